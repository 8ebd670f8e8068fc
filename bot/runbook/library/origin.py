"""The version of a folder of runbooks: its git commit, or the version of Firstmate that it is part of."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

GIT_TIMEOUT = 5.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Source:
    """A folder of runbooks, the number of runbooks in it, and its version."""

    folder: Path
    count: int
    version: str
    """`commit 1a2b3c4`, `commit 1a2b3c4 with changes`, `firstmate 0.1.0`, or '' if it is unknown."""

    def __str__(self) -> str:
        return f"{self.count} from {self.folder}{f' ({self.version})' if self.version else ''}"


def version_of(folder: Path, *, shipped: bool) -> str:
    """Returns the version of a folder's runbooks, '' if it is unknown."""
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
    """Returns git's output for the folder; '' without git, without a repository, or after GIT_TIMEOUT."""
    command = ["git", "-C", str(folder), "-c", "core.fsmonitor=false", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=GIT_TIMEOUT, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()[:200] if done.returncode == 0 else ""
