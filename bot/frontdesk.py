"""What the application does for people in Slack: the engine's answers in the terms of the listeners."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.engine.engine import FIRST_LOOK, Engine
from bot.engine.preview import preview
from bot.engine.state import Choice, Run
from bot.runbook.match import choose, explain, verdict
from bot.runbook.shelf import summary
from bot.slack.blocks import sentence
from bot.slack.forms import Field
from bot.slack.listeners import RunbookLine, Status, Why


@dataclass(frozen=True, slots=True)
class EngineDesk:
    """Implements bot.slack.listeners.FrontDesk."""

    engine: Engine
    waiting_messages: Callable[[], int]

    def triage(self, user: str, instance: str, channel: str) -> Run:
        return self.ask(user, FIRST_LOOK, instance, channel)

    def ask(self, user: str, runbook: str, instance: str, channel: str, inputs: Mapping[str, str] | None = None) -> Run:
        self.engine.must_operate(user)
        return self.engine.ask(user, runbook, instance, channel, inputs)

    def form(self, user: str, runbook: str) -> tuple[str, Sequence[Field]]:
        self.engine.must_operate(user)
        found = self.engine.library.find(runbook)
        return found.title, [
            Field(name, each.type, each.says or "", "" if each.default is None else str(each.default), each.values)
            for name, each in found.inputs.items()
        ]

    def plan(self, user: str, runbook: str, instance: str, remedy: str) -> tuple[Run, str]:
        self.engine.must_operate(user)
        run = self.engine.run_of(user, runbook, instance, channel="", inputs={})
        found = preview(self.engine.triage, run, remedy)
        return found.run, found.not_offered

    def runbooks(self) -> Sequence[RunbookLine]:
        return [RunbookLine(r.runbook, r.title, r.digest) for r in self.engine.library.runbooks]

    def sources(self) -> Sequence[str]:
        shelf = self.engine.shelf
        said = [f"{source}." for source in shelf.library.sources]
        if shelf.broken:
            said.append(f"The last good version stays in force of what is broken: {summary(shelf.broken)}")
        return said

    def runbook_text(self, name: str) -> str:
        return self.engine.library.find(name).text

    def why(self, asked: str) -> Why:
        alert = self.engine.alert_of(asked)
        runbooks = self.engine.library.runbooks
        return Why(
            ",".join(f"{name}={value}" for name, value in sorted(alert.labels.items())),
            verdict(choose(runbooks, alert)),
            [(each.runbook.runbook, each.matches, each.says) for each in explain(runbooks, alert)],
        )

    def status(self) -> Status:
        halted = "\n".join(f":octagonal_sign: {sentence(str(halt))}" for halt in self.engine.halted())
        return Status(halted, self.engine.store.runs(under_way=True), self.waiting_messages())

    def halt(self, user: str, reason: str) -> str:
        halt = self.engine.halt(user, reason)
        return f"{halt} {halt.lifted_by}"

    def acknowledge(self, user: str, shard: str) -> str:
        return self.engine.acknowledge(user, shard)

    def resume(self, user: str, scope: str) -> str:
        return self.engine.resume(user, scope)

    def decide(self, user: str, run_id: str, digest: str, choice: Choice) -> Run:
        return self.engine.decide(user, run_id, digest, choice)

    def undo(self, user: str, run_id: str, digest: str) -> Run:
        return self.engine.ask_undo(user, run_id, digest)

    def take(self, user: str, run_id: str, back: bool) -> Run:
        return self.engine.take(user, run_id, back=back)
