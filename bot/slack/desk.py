"""What listeners ask of the application, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.engine.run import Choice, Run
from bot.slack.run_form import Field


@dataclass(frozen=True, slots=True)
class RunbookLine:
    """One runbook, for the list."""

    name: str
    title: str
    digest: str


@dataclass(frozen=True, slots=True)
class Status:
    """What `/mate status` tells."""

    halted: str
    """The sentence of the halt, or ''."""
    runs: Sequence[Run]
    waiting_messages: int


@dataclass(frozen=True, slots=True)
class Why:
    """Which runbook answers an alert, and why every other one does not."""

    alert: str
    """The labels that were looked at."""
    verdict: str
    runbooks: Sequence[tuple[str, bool, str]]
    """Name, whether it answers, and why or why not."""


class FrontDesk(Protocol):
    """What the application does for people; every method raises FirstmateError with the sentence for them."""

    def triage(self, user: str, instance: str, channel: str) -> Run: ...

    def sweep(self, user: str, selector: str, channel: str) -> str:
        """Takes a first look at all instances that the selector means, posts its card, and says what it found."""
        ...

    def ask(
        self, user: str, runbook: str, instance: str, channel: str, inputs: Mapping[str, str] | None = None
    ) -> Run: ...

    def form(self, user: str, runbook: str) -> tuple[str, Sequence[Field]]:
        """The title of a runbook and the fields of its inputs."""
        ...

    def plan(self, user: str, runbook: str, instance: str, remedy: str) -> tuple[Run, str]:
        """The run as it would be, with its plan, and why it would not be offered."""
        ...

    def runbooks(self) -> Sequence[RunbookLine]: ...

    def sources(self) -> Sequence[str]:
        """Where the runbooks in force come from, and what is broken there: sentences."""
        ...

    def runbook_text(self, name: str) -> str: ...

    def why(self, asked: str) -> Why:
        """Explains the match of an alert, by its labels, its name, or the number of its run."""
        ...

    def status(self) -> Status: ...

    def halt(self, user: str, reason: str) -> str: ...

    def resume(self, user: str, scope: str) -> str:
        """Lifts a halt, and returns what is halted still."""
        ...

    def acknowledge(self, user: str, shard: str) -> str:
        """Ends the cooldowns of a shard, and returns its name."""
        ...

    def break_glass(self, user: str, run_id: str, reason: str) -> Run:
        """Opens a refused run again, past freeze and cooldown."""
        ...

    def pause(self, user: str, run_id: str) -> Run: ...

    def stop(self, user: str, run_id: str) -> Run: ...

    def go_on(self, user: str, run_id: str) -> Run: ...

    def retry(self, user: str, run_id: str) -> Run:
        """Opens a run that ended badly once more."""
        ...

    def decide(self, user: str, run_id: str, digest: str, choice: Choice) -> Run: ...

    def undo(self, user: str, run_id: str, digest: str) -> Run: ...

    def take(self, user: str, run_id: str, back: bool) -> Run:
        """Somebody works on it now, or, with `back`, nobody any more."""
        ...
