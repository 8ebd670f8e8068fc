"""Renders the card of a test case as Slack would show it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from bot.engine.assessment import recorded
from bot.engine.gather_evidence import as_json
from bot.engine.run import Run, RunState, Step, StepStatus
from bot.engine.target_selection import described
from bot.runbook.diagnosis.card_fields import CardFields
from bot.runbook.diagnosis.causes import Diagnosis
from bot.runbook.expressions.evaluation import Missing
from bot.runbook.language.schema import Runbook
from bot.runbook.testing.run_tests import DEFAULT_TARGET
from bot.slack import triage_card as cards


def card_text(runbook: Runbook, diagnosis: Diagnosis, evidence: Mapping[str, object], shown: CardFields) -> str:
    """Returns the text of the triage card, one line for each part; implements bot.runbook.testing.run_tests.CardOf."""
    steps = tuple(_step(runbook, name, found) for name, found in evidence.items())
    run = Run(
        id="r-test",
        incident="i-test",
        channel="C0TEST",
        state=RunState.DIAGNOSED,
        opened_at=datetime(2026, 1, 1, tzinfo=UTC),
        alert=None,
        requester="firstmate",
        runbook=runbook.runbook,
        runbook_digest=runbook.digest,
        runbook_text="",
        title=runbook.title,
        target=str(DEFAULT_TARGET["name"]),
        shard=str(DEFAULT_TARGET["shard"]),
        steps=steps,
        shown=shown,
        causes=tuple(map(recorded, diagnosis.causes)),
    )
    return "\n".join(_texts(cards.card(run)))


def _step(runbook: Runbook, name: str, found: object) -> Step:
    declared = runbook.gather[name]
    step = Step(name, declared.use, described(declared.on), StepStatus.DONE)
    if isinstance(found, Missing):
        return Step(name, declared.use, step.on, StepStatus.FAILED, says=found.reason)
    return Step(name, declared.use, step.on, StepStatus.DONE, evidence=as_json(found))


def _texts(block: Any) -> Iterator[str]:  # noqa: ANN401 - Block Kit
    """Yields every text of the blocks in order."""
    if isinstance(block, str):
        return
    if isinstance(block, Mapping):
        if isinstance(block.get("text"), str):
            yield block["text"]
        for value in block.values():
            yield from _texts(value)
    elif isinstance(block, list | tuple):
        for each in block:
            yield from _texts(each)
