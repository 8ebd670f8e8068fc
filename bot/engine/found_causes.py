"""What the runbooks of a run found: causes, a hand-over to another runbook, and the answers of others; no I/O."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """The verdict of the evidence on one cause of the runbook."""

    id: str
    verdict: str
    """`holds`, `no`, or `undecided` when evidence is missing."""
    says: str
    remedies: tuple[str, ...] = ()
    """The names of its remedies, the best first."""
    continues: str = ""
    """The runbook that goes on from this cause, or ''."""


@dataclass(frozen=True, slots=True)
class RunbookCopy:
    """A runbook as it was when the run was opened, so that a reload does not change a run under way."""

    text: str
    runbook: str
    matched: str
    """The matcher that chose it."""


@dataclass(frozen=True, slots=True)
class HandOver:
    """A leading cause that named another runbook, with which the run went on; a run goes on once."""

    runbook: str
    """The runbook of the cause."""
    cause: Cause
    stays: bool = False
    """Whether the cause still leads, because the other runbook proved none that holds now."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a runbook found that matches the alert equally well and does not lead."""

    runbook: str
    says: str
    """The sentence of its leading cause, or '' if it found none."""
