"""The cards of a run: everything that a thread shows, drawn from the run as it stands. Pure."""

from __future__ import annotations

from typing import Any

from bot.engine.outbox import Message, Priority
from bot.engine.run import Assignment, Run, RunState, StepStatus
from bot.guards.facts import mention
from bot.slack import evidence_tables as evidence
from bot.slack.approval_card import approval
from bot.slack.blocks import (
    Block,
    actions,
    button,
    code,
    confirm,
    context,
    duration,
    escape,
    fitting,
    header,
    link,
    moment,
    numbered,
    plain,
    section,
    sentence,
    table,
)
from bot.slack.labels import HAND_BACK, RETRY, STATE, TAKE, UNDO

FIRING, ACKNOWLEDGED, RESOLVED, QUIET = "#a30200", "#daa038", "#2eb886", "#dddddd"

_ICON = {
    StepStatus.PENDING: ":white_circle:",
    StepStatus.DONE: ":white_check_mark:",
    StepStatus.FAILED: ":warning:",
    StepStatus.SKIPPED: ":heavy_minus_sign:",
}
_ASKED = frozenset(STATE) - {RunState.TRIAGING, RunState.DIAGNOSED}


def render(run: Run) -> list[Message]:
    """All messages of a run as they are wanted now; the same run gives the same messages."""
    priority = Priority.PROGRESS if run.state is RunState.TRIAGING else Priority.NEWS
    messages = [_message(run, "card", priority, card(run), _fallback(run), colour=colour(run))]
    chart = _chart(run)
    if chart is not None:
        messages.append(Message(f"{run.id}:chart", run.channel, _root(run), Priority.PICTURE, {"chart": chart}))
    if run.state is not RunState.TRIAGING and any(step.evidence is not None for step in run.steps):
        file = {"title": f"All that was seen on {plain(run.target, 100)}", "text": evidence.document(run)}
        messages.append(Message(f"{run.id}:evidence", run.channel, _root(run), Priority.PICTURE, {"file": file}))
    if run.plan is not None and run.expires_at is not None:
        text = f"Approval needed: {run.plan.title} on {run.target}"
        messages.append(_message(run, "approval", Priority.ACT, approval(run, run.plan), text))
    if run.state.ended and run.state in _ASKED:
        text = f"{STATE[run.state]}: {run.says}"
        messages.append(_message(run, "outcome", Priority.ACT, outcome(run), text))
    return messages


def colour(run: Run) -> str:
    """The colour of a run's bar."""
    if run.resolved_at is not None or run.state in (RunState.MENDED, RunState.RESOLVED):
        return RESOLVED
    if run.taken is not None or run.state in (RunState.WAITING, RunState.APPROVED, RunState.CHANGING, RunState.PAUSED):
        return ACKNOWLEDGED
    return FIRING if run.alert is not None else QUIET


def card(run: Run) -> list[Block]:
    """The triage card: what, where, why, what is seen, and what happens next."""
    name = run.alert.name if run.alert else run.title
    place = run.place or run.target or (run.alert.labels.get("instance", "") if run.alert else "")
    icon = "🟢" if colour(run) == RESOLVED else "🟠" if colour(run) == ACKNOWLEDGED else "🔴" if run.alert else "🔎"
    found = [header(f"{icon} {name} · {place}" if place else f"{icon} {name}"), context(_facts(run))]
    if run.override is not None:
        who = f"{sentence(mention(run.override.by))} broke the glass"
        reason = escape(run.override.reason, 300)
        found.append(section(f":rotating_light: *{who}*: freeze and cooldown do not stop this run. {reason}"))
    lead = run.lead
    if lead is not None:
        found.append(section(f"*{escape(lead.says, 1500)}*"))
    others = [c for c in run.causes if c.verdict == "holds" and c is not lead]
    if others:
        found.append(section("\n".join(f"Also: {escape(c.says, 400)}" for c in others[:4])))
    if run.state is RunState.TRIAGING:
        found.append(section(_progress(run)))
    if run.state is not RunState.TRIAGING:
        found += _evidence(run)
    missing = [s for s in run.steps if s.says and s.status is not StepStatus.SKIPPED]
    if missing:
        found.append(context("\n".join(f":warning: Missing: {code(s.id)} {escape(s.says, 300)}" for s in missing[:5])))
    undecided = [c for c in run.causes if c.verdict == "undecided"]
    if undecided and lead is None:
        found.append(context(f"Cannot be told: {', '.join(code(c.id) for c in undecided[:6])}"))
    if run.state is not RunState.TRIAGING:
        found += _notes(run)
    return found + _takeover(run)


def _evidence(run: Run) -> list[Block]:
    """What one looks at first, as the runbook says; without its word, a line for each step."""
    if run.shown:
        return [section("", [f"*{escape(label, 40)}*\n{escape(text, 400)}" for label, text in run.shown])]
    seen = evidence.rows(run)
    return [table(["Evidence", "From", "Seen"], seen)] if seen else []


def _notes(run: Run) -> list[Block]:
    """What the runbook says to people, and where they read on."""
    links = " · ".join(link(url, title) for title, url in run.links[:8])
    texts = [f":memo: {escape(' '.join(run.notes.split()), 1500)}" if run.notes else "", links]
    return [context(*texts)] if any(texts) else []


def _takeover(run: Run) -> list[Block]:
    """Who works on it, and the button for that while the alert fires."""
    found = [context(_taken(run.taken))] if run.taken is not None else []
    if run.alert is None or colour(run) == RESOLVED:
        return found
    if run.taken is None:
        return [*found, actions(button(TAKE, "I am on it", run.id))]
    return [*found, actions(button(TAKE, "I take over", run.id), button(HAND_BACK, "Hand back", run.id))]


def _taken(taken: Assignment) -> str:
    parts = [f":eyes: {sentence(mention(taken.user))} works on it since {moment(taken.since)}"]
    if taken.silence and taken.until is not None:
        parts.append(f":mute: the alert is silenced until {moment(taken.until)}")
    parts += [sentence(taken.says, 300)] if taken.says else []
    return " · ".join(parts)


def outcome(run: Run) -> list[Block]:
    """How it ended, with the timeline, and the way back where there is one."""
    icon = ":large_green_circle:" if run.state is RunState.MENDED else ":warning:"
    if run.state in (RunState.DENIED, RunState.EXPIRED, RunState.RESOLVED, RunState.UNDONE):
        icon = ":white_circle:"
    found = [section(f"{icon} *{STATE[run.state]}.* {sentence(run.says)}")]
    if run.revert_at is not None and run.state is RunState.MENDED:
        found.append(context(f"It is undone by itself at {moment(run.revert_at)}, if nobody changes it before."))
    lines = [f"{moment(e.at)}  {sentence(e.what, 160)}" for e in run.timeline[-10:]]
    if lines:
        found.append(context("\n".join(lines)))
    if run.state is RunState.MENDED and run.plan is not None and run.plan.undo:
        sure = confirm(f"Undo on {run.target}?", "; ".join(run.plan.undo), "Undo", danger=True)
        found.append(actions(button(UNDO, "Undo", f"{run.id}:{run.plan.digest}", confirm=sure)))
    if run.state in (RunState.FAILED, RunState.UNKNOWN, RunState.REFUSED, RunState.EXPIRED) and run.runbook:
        found.append(actions(button(RETRY, "Try again", run.id)))
    return found


def _facts(run: Run) -> str:
    parts = []
    if run.alert is not None:
        severity = run.alert.labels.get("severity")
        parts += [f"*{escape(severity)}*"] if severity else []
    parts += [f"shard {code(run.shard)}"] if run.shard else []
    if run.alert is not None:
        if run.resolved_at is not None:
            lasted = (run.resolved_at - run.alert.starts_at).total_seconds()
            parts.append(f"resolved after {duration(max(0.0, lasted))}")
        else:
            parts.append(f"firing since {moment(run.alert.starts_at)}")
    else:
        parts.append(f"asked by {sentence(mention(run.requester))}")
    if run.joined:
        parts.append(f"with {escape(', '.join(run.joined), 400)}")
    if run.runbook:
        parts.append(f"runbook {code(run.runbook)} {code(run.runbook_digest[:7])}")
    if run.alert is not None and run.alert.generator_url.startswith(("http://", "https://")):
        parts.append(link(run.alert.generator_url, "alert"))
    return " · ".join(parts)


def _progress(run: Run) -> str:
    done = sum(s.status is not StepStatus.PENDING for s in run.steps)
    head = f"*Triage {done}/{len(run.steps)}*" if run.steps else "*Triage begins*"
    lines = [f"{_ICON[s.status]} {escape(s.id.replace('_', ' '))}" for s in run.steps[:15]]
    says = [f":hourglass_flowing_sand: {sentence(run.says)}"] if run.says else []
    return "\n".join([*says, head, *lines])


def _fallback(run: Run) -> str:
    """The text of notifications and screen readers."""
    name = run.alert.name if run.alert else run.title
    says = run.lead.says if run.lead else run.says or STATE[run.state]
    return f"{name} on {run.target or 'an unknown instance'}: {says}"


def _message(run: Run, part: str, priority: Priority, found: list[Block], text: str, *, colour: str = "") -> Message:
    payload: dict[str, Any] = {"text": escape(text, 900), "blocks": numbered(fitting(found), f"{run.id}:{part}")}
    if colour:
        state = f"*{STATE[run.state]}*" + (f" · {sentence(run.says)}" if run.says else "")
        payload["attachments"] = [{"color": colour, "blocks": [section(state)], "fallback": STATE[run.state]}]
    if part == "card" and run.loud:
        payload["broadcast"] = True
    root = None if part == "card" and not run.thread else _root(run)
    return Message(f"{run.id}:{part}", run.channel, root, priority, payload)


def _root(run: Run) -> str:
    """The key of the card that begins the thread."""
    return f"{run.root}:card"


def _chart(run: Run) -> dict[str, Any] | None:
    """The first range of Prometheus with something to draw, once all evidence is in."""
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
