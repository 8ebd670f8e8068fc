"""What people look up from Slack: runbooks, why one matches an alert, and the runs in progress. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.engine.active_halts import Halts
from bot.engine.ports import Store
from bot.engine.role_checks import RoleChecks
from bot.engine.run import Run
from bot.engine.run_factory import RunFactory
from bot.guards.facts import Halt
from bot.runbook.library.live_library import LiveLibrary, summary
from bot.runbook.matching.match import choose, explain, verdict
from bot.slack.run_form import Field


@dataclass(frozen=True, slots=True)
class RunbookLine:
    """One runbook of the list."""

    name: str
    title: str
    digest: str


@dataclass(frozen=True, slots=True)
class Status:
    """The reply to `/mate status`."""

    halts: Sequence[Halt]
    runs: Sequence[Run]
    """The runs under way."""
    waiting_messages: int
    """Messages that Slack has not accepted yet."""


@dataclass(frozen=True, slots=True)
class Why:
    """Which runbook matches an alert, and why the others do not."""

    alert: str
    """The labels that were matched."""
    verdict: str
    runbooks: Sequence[tuple[str, bool, str]]
    """Name, whether it matches, and the reason."""


@dataclass(frozen=True, slots=True)
class Lookups:
    """Answers questions of people; every method raises FirstmateError with the reply."""

    live_library: LiveLibrary
    run_factory: RunFactory
    store: Store
    halts: Halts
    roles: RoleChecks
    waiting_messages: Callable[[], int]

    def form(self, user: str, runbook: str) -> tuple[str, Sequence[Field]]:
        """Returns the title of a runbook and the fields of its inputs; raises NotAllowed or RunbookError."""
        self.roles.require_operator(user)
        found = self.live_library.library.find(runbook)
        return found.title, [
            Field(name, each.type, each.says or "", "" if each.default is None else str(each.default), each.values)
            for name, each in found.inputs.items()
        ]

    def runbooks(self) -> Sequence[RunbookLine]:
        """Returns the runbooks in force."""
        return [RunbookLine(each.runbook, each.title, each.digest) for each in self.live_library.library.runbooks]

    def sources(self) -> Sequence[str]:
        """Returns sentences about where the runbooks in force come from, and about files that are broken."""
        said = [f"{source}." for source in self.live_library.library.sources]
        if self.live_library.broken:
            broken = summary(self.live_library.broken)
            said.append(f"Files with errors, whose last valid versions stay in force: {broken}")
        return said

    def runbook_text(self, name: str) -> str:
        """Returns the YAML of a runbook; raises RunbookError."""
        return self.live_library.library.find(name).text

    def why(self, asked: str) -> Why:
        """Explains which runbook matches an alert, given as labels, as its name or as the ID of its run."""
        alert = self.run_factory.alert_of(asked)
        runbooks = self.live_library.library.runbooks
        return Why(
            ",".join(f"{name}={value}" for name, value in sorted(alert.labels.items())),
            verdict(choose(runbooks, alert)),
            [(each.runbook.runbook, each.matches, each.says) for each in explain(runbooks, alert)],
        )

    def status(self) -> Status:
        """Returns the halts, the runs under way and the number of messages that wait for Slack."""
        return Status(self.halts.every(), self.store.runs(under_way=True), self.waiting_messages())
