"""Problems in a YAML document, their places in the file, and the error that reports them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from bot.errors import RunbookError

Path: TypeAlias = tuple[str | int, ...]
"""The keys and list indexes that lead from the top of a document to one of its values."""

MAX_LISTED = 20
"""The most findings that one error lists."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One violation of a lint rule at a place in a file; lines and columns count from 1."""

    file: str
    line: int
    column: int
    rule: str
    """The id of the rule; `bot.runbook.linting.rules` has its severity."""
    message: str
    suggestion: str = ""
    """How to fix it, such as `did you mean 'lag'?`; '' if there is no suggestion."""

    @property
    def text(self) -> str:
        """The message, followed by the suggestion."""
        return f"{self.message}; {self.suggestion}" if self.suggestion else self.message

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.text} [{self.rule}]"


@dataclass(frozen=True, slots=True)
class Problem:
    """A violation of a lint rule at a path of a document; `Document.finding` looks up its line and column."""

    path: Path
    message: str
    rule: str = "wrong-value"
    suggestion: str = ""
    offset: int | None = None
    """The offset (from 0) in the text at that path; None for the whole value."""
    on_key: bool = False
    """Whether the problem is in the key at that path instead of its value."""


class RunbookRefused(RunbookError):
    """Runbooks cannot be used; the message has one line per finding, at most MAX_LISTED."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        lines = [str(each) for each in self.findings[:MAX_LISTED]]
        if len(self.findings) > MAX_LISTED:
            lines.append(f"{self.findings[-1].file}: and {len(self.findings) - MAX_LISTED} more findings")
        super().__init__("\n".join(lines))
