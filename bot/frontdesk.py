"""What the application does for people in Slack: the engine's answers in the terms of the listeners."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.engine.engine import Engine
from bot.engine.first_sweep import first_sweep
from bot.engine.outbox import Message
from bot.engine.preview import preview
from bot.engine.run import Choice, Run
from bot.engine.run_factory import first_look
from bot.engine.selector import select, selection_of
from bot.engine.sweep import Sweeps
from bot.runbook.library.live_library import summary
from bot.runbook.matching.match import choose, explain, verdict
from bot.slack.blocks import sentence
from bot.slack.desk import RunbookLine, Status, Why
from bot.slack.run_form import Field
from bot.slack.sweep_card import sweep_message


@dataclass(frozen=True, slots=True)
class EngineDesk:
    """Implements bot.slack.listeners.FrontDesk."""

    engine: Engine
    waiting_messages: Callable[[], int]
    sweeps: Sweeps
    put: Callable[[Message], None]
    """Wants a message."""

    def triage(self, user: str, instance: str, channel: str) -> Run:
        return self.ask(user, first_look(self.engine.fleet.find(instance)), instance, channel)

    def sweep(self, user: str, selector: str, channel: str) -> str:
        targets = select(selector, self.engine.fleet.targets())
        self.engine.must_operate_all(user, sorted({target.shard.name for target in targets}))
        on = str(selection_of(selector))
        self.engine.store.audit("sweep.asked", actor=user, subject=on, instances=len(targets), channel=channel)
        found = first_sweep(self.sweeps, targets)
        self.put(sweep_message(f"sweep-{secrets.token_hex(5)}", channel, user, on, found))
        return found.says

    def ask(self, user: str, runbook: str, instance: str, channel: str, inputs: Mapping[str, str] | None = None) -> Run:
        self._operates(user, instance)
        return self.engine.ask(user, runbook, instance, channel, inputs)

    def _operates(self, user: str, instance: str) -> None:
        """Raises UnknownTarget, or NotAllowed for who may not operate on the instance's shard."""
        self.engine.must_operate(user, self.engine.fleet.find(instance).shard.name)

    def form(self, user: str, runbook: str) -> tuple[str, Sequence[Field]]:
        self.engine.must_operate(user)
        found = self.engine.run_factory.live_library.library.find(runbook)
        return found.title, [
            Field(name, each.type, each.says or "", "" if each.default is None else str(each.default), each.values)
            for name, each in found.inputs.items()
        ]

    def plan(self, user: str, runbook: str, instance: str, remedy: str) -> tuple[Run, str]:
        self._operates(user, instance)
        run = self.engine.run_factory.for_person(user, runbook, instance, channel="", inputs={})
        found = preview(self.engine.triage, run, remedy)
        return found.run, found.not_offered

    def runbooks(self) -> Sequence[RunbookLine]:
        return [
            RunbookLine(r.runbook, r.title, r.digest) for r in self.engine.run_factory.live_library.library.runbooks
        ]

    def sources(self) -> Sequence[str]:
        live_library = self.engine.run_factory.live_library
        said = [f"{source}." for source in live_library.library.sources]
        if live_library.broken:
            said.append(f"The last good version stays in force of what is broken: {summary(live_library.broken)}")
        return said

    def runbook_text(self, name: str) -> str:
        return self.engine.run_factory.live_library.library.find(name).text

    def why(self, asked: str) -> Why:
        alert = self.engine.run_factory.alert_of(asked)
        runbooks = self.engine.run_factory.live_library.library.runbooks
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

    def break_glass(self, user: str, run_id: str, reason: str) -> Run:
        return self.engine.break_glass(user, run_id, reason)

    def pause(self, user: str, run_id: str) -> Run:
        return self.engine.pause(user, run_id)

    def stop(self, user: str, run_id: str) -> Run:
        return self.engine.stop(user, run_id)

    def go_on(self, user: str, run_id: str) -> Run:
        return self.engine.go_on(user, run_id)

    def retry(self, user: str, run_id: str) -> Run:
        return self.engine.retry(user, run_id)

    def decide(self, user: str, run_id: str, digest: str, choice: Choice) -> Run:
        return self.engine.decide(user, run_id, digest, choice)

    def undo(self, user: str, run_id: str, digest: str) -> Run:
        return self.engine.ask_undo(user, run_id, digest)

    def take(self, user: str, run_id: str, back: bool) -> Run:
        return self.engine.take(user, run_id, back=back)
