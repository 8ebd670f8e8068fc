"""The messages of a run's thread: the card, the chart, the evidence, the approval and the outcome. Pure."""

from __future__ import annotations

from typing import Any

from bot.engine.outbox_port import Message, Priority
from bot.engine.run import Run, RunState
from bot.slack import evidence_text as evidence
from bot.slack.approval_card import approval
from bot.slack.blocks import Block, escape, fitting, numbered, plain, section, sentence
from bot.slack.outcome_card import outcome
from bot.slack.triage_card import card, colour

_WITH_OUTCOME = frozenset(RunState) - {RunState.TRIAGING, RunState.DIAGNOSED}


def render(run: Run) -> list[Message]:
    """Returns all messages of a run in its present state; the same run always gives the same messages."""
    priority = Priority.PROGRESS if run.state is RunState.TRIAGING else Priority.NEWS
    messages = [_message(run, "card", priority, card(run), _fallback(run), colour=colour(run))]
    chart = _chart(run)
    if chart is not None:
        messages.append(Message(f"{run.id}:chart", run.channel, _root(run), Priority.PICTURE, {"chart": chart}))
    if run.state is not RunState.TRIAGING and any(step.evidence is not None for step in run.steps):
        file = {"title": f"Evidence from {plain(run.target, 100)}", "text": evidence.document(run)}
        messages.append(Message(f"{run.id}:evidence", run.channel, _root(run), Priority.PICTURE, {"file": file}))
    if run.plan is not None and run.expires_at is not None:
        text = f"Approval needed: {run.plan.title} on {run.target}"
        messages.append(_message(run, "approval", Priority.ACT, approval(run, run.plan), text))
    if run.state in _WITH_OUTCOME and (run.state.ended or run.state is RunState.WATCHING):
        text = f"{run.state.label}: {run.says}"
        messages.append(_message(run, "outcome", Priority.ACT, outcome(run), text))
    return messages


def _fallback(run: Run) -> str:
    """Returns the text for notifications and screen readers."""
    name = run.alert.name if run.alert else run.title
    says = run.lead.says if run.lead else run.says or run.state.label
    return f"{name} on {run.target or 'an unknown instance'}: {says}"


def _message(run: Run, part: str, priority: Priority, found: list[Block], text: str, *, colour: str = "") -> Message:
    payload: dict[str, Any] = {"text": escape(text, 900), "blocks": numbered(fitting(found), f"{run.id}:{part}")}
    if colour:
        state = f"*{run.state.label}*" + (f" · {sentence(run.says)}" if run.says else "")
        payload["attachments"] = [{"color": colour, "blocks": [section(state)], "fallback": run.state.label}]
    if part == "card" and run.loud:
        payload["broadcast"] = True
    root = None if part == "card" and not run.thread else _root(run)
    return Message(f"{run.id}:{part}", run.channel, root, priority, payload)


def _root(run: Run) -> str:
    """Returns the key of the card that starts the thread."""
    return f"{run.root}:card"


def _chart(run: Run) -> dict[str, Any] | None:
    """Returns the first Prometheus range with at least two samples, once triage has ended."""
    if run.state is RunState.TRIAGING:
        return None
    for step in run.steps:
        if step.use == "prometheus.range" and isinstance(step.evidence, dict) and step.evidence.get("lines"):
            lines = [
                {"name": plain(line["name"], 60), "points": [[s["at"], s["value"]] for s in line["samples"]]}
                for line in step.evidence["lines"][:5]
                if len(line["samples"]) > 1
            ]
            if lines:
                title = f"{step.id.replace('_', ' ')} of {run.target}"
                return {"title": title, "unit": str(step.evidence.get("unit", "")), "lines": lines}
    return None
