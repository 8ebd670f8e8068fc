"""The triage card of a run: the alert, the cause, the evidence, and who is assigned. Pure."""

from __future__ import annotations

from bot.engine.other_runbooks import other_runbooks, with_next_step
from bot.engine.run import Assignment, Run, RunState, StepStatus
from bot.guards.facts import mention
from bot.slack import evidence_text as evidence
from bot.slack.action_ids import HAND_BACK, TAKE
from bot.slack.blocks import (
    Block,
    actions,
    button,
    code,
    context,
    duration,
    escape,
    header,
    link,
    moment,
    section,
    sentence,
    table,
)

FIRING, ACKNOWLEDGED, RESOLVED, QUIET = "#a30200", "#daa038", "#2eb886", "#dddddd"

_ACTED_ON = (RunState.WAITING, RunState.APPROVED, RunState.CHANGING, RunState.PAUSED, RunState.WATCHING)

PLAIN = frozenset({"standalone", "source", "replica", "tablet"})
"""Kinds of servers that the card does not mention."""

_ICON = {
    StepStatus.PENDING: ":white_circle:",
    StepStatus.DONE: ":white_check_mark:",
    StepStatus.FAILED: ":warning:",
    StepStatus.SKIPPED: ":heavy_minus_sign:",
}


def colour(run: Run) -> str:
    """Returns the colour of the bar beside the card."""
    if run.resolved_at is not None or run.state in (RunState.MENDED, RunState.RESOLVED):
        return RESOLVED
    if run.taken is not None or run.state in _ACTED_ON:
        return ACKNOWLEDGED
    return FIRING if run.alert is not None else QUIET


def card(run: Run) -> list[Block]:
    """Returns the blocks of the triage card."""
    name = run.alert.name if run.alert else run.title
    place = run.place or run.target or (run.alert.labels.get("instance", "") if run.alert else "")
    icon = "🟢" if colour(run) == RESOLVED else "🟠" if colour(run) == ACKNOWLEDGED else "🔴" if run.alert else "🔎"
    found = [header(f"{icon} {name} · {place}" if place else f"{icon} {name}"), context(_facts(run))]
    if run.override is not None:
        who = f"{sentence(mention(run.override.by))} used break-glass"
        reason = escape(run.override.reason, 300)
        found.append(section(f":rotating_light: *{who}*: this run ignores freezes and cooldowns. Reason: {reason}"))
    lead = run.lead
    if lead is not None:
        found.append(section(f"*{escape(lead.says, 1500)}*"))
    if run.seen_before is not None:
        found.append(context(f":repeat: *Seen before:* {escape(run.seen_before.says, 900)}"))
    others = [c for c in run.causes if c.verdict == "holds" and c is not lead]
    if others:
        found.append(section("\n".join(f"Also: {escape(with_next_step(c), 400)}" for c in others[:4])))
    found += [context(escape(text, 1000)) for text in other_runbooks(run)]
    if run.state is RunState.TRIAGING:
        found.append(section(_progress(run)))
    if run.state is not RunState.TRIAGING:
        found += _evidence(run)
    missing = [s for s in run.steps if s.says and s.status is not StepStatus.SKIPPED]
    if missing:
        found.append(context("\n".join(f":warning: Missing: {code(s.id)} {escape(s.says, 300)}" for s in missing[:5])))
    if run.kind is not None and run.kind.unknown and run.speaks_for is not None:
        says = f"The kind of server is unknown: {run.kind.unknown} It is read again before each change."
        found.append(context(f":warning: {escape(says, 400)}"))
    undecided = [c for c in run.causes if c.verdict == "undecided"]
    if undecided and lead is None:
        found.append(context(f"Not enough evidence to decide: {', '.join(code(c.id) for c in undecided[:6])}"))
    if run.state is not RunState.TRIAGING:
        found += _notes(run)
    return found + _assignment(run)


def _evidence(run: Run) -> list[Block]:
    """Returns the fields that the runbook shows, or a table with a row for each step."""
    if run.shown:
        return [section("", [f"*{escape(label, 40)}*\n{escape(text, 400)}" for label, text in run.shown])]
    seen = evidence.rows(run)
    return [table(["Evidence", "Source", "Result"], seen)] if seen else []


def _notes(run: Run) -> list[Block]:
    """Returns the notes and links of the runbook."""
    links = " · ".join(link(url, title) for title, url in run.links[:8])
    texts = [f":memo: {escape(' '.join(run.notes.split()), 1500)}" if run.notes else "", links]
    return [context(*texts)] if any(texts) else []


def _assignment(run: Run) -> list[Block]:
    """Returns who is assigned, and the buttons to take or hand back the run while the alert fires."""
    found = [context(_assigned(run.taken))] if run.taken is not None else []
    if run.alert is None or colour(run) == RESOLVED:
        return found
    if run.taken is None:
        return [*found, actions(button(TAKE, "I'm on it", run.id))]
    return [*found, actions(button(TAKE, "Take over", run.id), button(HAND_BACK, "Hand back", run.id))]


def _assigned(taken: Assignment) -> str:
    parts = [f":eyes: Assigned to {sentence(mention(taken.user))} since {moment(taken.since)}"]
    if taken.silence and taken.until is not None:
        parts.append(f":mute: alert silenced until {moment(taken.until)}")
    parts += [sentence(taken.says, 300)] if taken.says else []
    return " · ".join(parts)


def _facts(run: Run) -> str:
    parts = []
    if run.alert is not None:
        severity = run.alert.labels.get("severity")
        parts += [f"*{escape(severity)}*"] if severity else []
    parts += [f"shard {code(run.shard)}"] if run.shard else []
    if run.kind is not None and not PLAIN.issuperset(run.kind.kinds):
        parts.append(escape(run.kind.says, 100))
    if run.alert is not None:
        if run.resolved_at is not None:
            lasted = (run.resolved_at - run.alert.starts_at).total_seconds()
            parts.append(f"resolved after {duration(max(0.0, lasted))}")
        else:
            parts.append(f"firing since {moment(run.alert.starts_at)}")
    else:
        parts.append(f"requested by {sentence(mention(run.requester))}")
    if run.joined:
        parts.append(f"also firing: {escape(', '.join(run.joined), 400)}")
    if run.runbook:
        parts.append(f"runbook {code(run.runbook)} {code(run.runbook_digest[:7])}")
    if run.alert is not None and run.alert.generator_url.startswith(("http://", "https://")):
        parts.append(link(run.alert.generator_url, "alert"))
    return " · ".join(parts)


def _progress(run: Run) -> str:
    done = sum(s.status is not StepStatus.PENDING for s in run.steps)
    head = f"*Triage {done}/{len(run.steps)}*" if run.steps else "*Triage is starting*"
    lines = [f"{_ICON[s.status]} {escape(s.id.replace('_', ' '))}" for s in run.steps[:15]]
    says = [f":hourglass_flowing_sand: {sentence(run.says)}"] if run.says else []
    return "\n".join([*says, head, *lines])
