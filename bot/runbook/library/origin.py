"""Where runbooks come from: the commit of their folder, or the version of Firstmate that shipped them."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PATIENCE = 5.0
"""Seconds that git may take."""


@dataclass(frozen=True, slots=True)
class Source:
    """A folder of runbooks, what it holds, and its version."""

    folder: Path
    count: int
    version: str
    """`commit 1a2b3c4`, `commit 1a2b3c4 with changes`, `firstmate 0.1.0`, or '' where nothing tells it."""

    def __str__(self) -> str:
        return f"{self.count} from {self.folder}{f' ({self.version})' if self.version else ''}"


def version_of(folder: Path, *, shipped: bool) -> str:
    """The version of a folder's runbooks; what git cannot tell is ''."""
    commit = _git(folder, "log", "-1", "--format=%h", "--", ".")
    if commit:
        changed = _git(folder, "status", "--porcelain", "--", ".")
        return f"commit {commit}{' with changes' if changed else ''}"
    if shipped:
        try:
            return f"firstmate {version('firstmate')}"
        except PackageNotFoundError:
            return ""
    return ""


def _git(folder: Path, *arguments: str) -> str:
    """What git prints about the folder; '' where there is no git, no repository, or no answer in time."""
    command = ["git", "-C", str(folder), "-c", "core.fsmonitor=false", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()[:200] if done.returncode == 0 else ""
