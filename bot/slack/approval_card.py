"""The part of a thread that asks: what would run, exactly, with its buttons and the decisions on it. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.engine.plan import Plan
from bot.engine.run import Choice, Run, RunState
from bot.guards.facts import Answer, mention
from bot.slack.blocks import (
    Block,
    actions,
    button,
    code,
    confirm,
    context,
    duration,
    escape,
    fenced,
    moment,
    preformatted,
    section,
    sentence,
)
from bot.slack.labels import APPROVE, DENY, GO_ON, PAUSE, STATE, STOP


def approval(run: Run, plan: Plan) -> list[Block]:
    """What would run, exactly; with the buttons while it waits, and with the decisions for ever."""
    expires = moment(run.expires_at) if run.expires_at else "–"
    needed = f"{run.approvals_needed} approver{'s' if run.approvals_needed > 1 else ''}, not the requester"
    found = [
        section(
            _what(plan),
            [
                f"*Blast radius*\n{escape(plan.blast_radius)}",
                f"*Risk*\n{escape(plan.risk)}",
                f"*Takes*\n{needed}",
                f"*Expires*\n{expires}",
            ],
        ),
        preformatted(commands(plan)),
        context(*_undo(plan)),
    ]
    passed = [v for v in run.verdicts if v.answer is Answer.PASS]
    found.append(
        context("\n".join(f":white_check_mark: {escape(v.guard)}: {sentence(v.says, 200)}" for v in passed[:8]))
    )
    digests = {plan.digest, *(each.digest for each in run.alternatives)}
    decided = [_decision(d.user, d.choice, d.at) for d in run.decisions if d.digest in digests]
    if decided:
        found.append(section("\n".join(decided)))
    if run.state is RunState.WAITING:
        found.append(_buttons(run, plan))
        if decided:
            found.append(context("Who approved may still press Deny: one revocation voids the plan."))
        for other in run.alternatives[:3]:
            found += _alternative(run, other)
    else:
        found.append(context(f"*{STATE[run.state]}*"))
        found += _held_up(run, plan)
    found.append(context(f"plan {code(plan.digest[:12])} · run {code(run.id)}"))
    return found


def _held_up(run: Run, plan: Plan) -> list[Block]:
    """Who holds the change up, and the buttons for that while it has turns left."""
    if run.state is RunState.PAUSED:
        until = (
            f" It is stopped at {moment(run.pause_request.until)} otherwise."
            if run.pause_request and run.pause_request.until
            else ""
        )
        on = button(GO_ON, "Go on", run.id, style="primary")
        return [context(f"{sentence(run.says)}{until}"), actions(on, button(STOP, "Stop here", run.id, style="danger"))]
    if run.state not in (RunState.APPROVED, RunState.CHANGING) or len(plan.waves) < 2:
        return []
    if run.pause_request is not None:
        held = "pauses" if run.pause_request.kind == "pause" else "stops"
        return [context(f"It {held} before its next batch: {sentence(mention(run.pause_request.user))} asked for it.")]
    stop = button(STOP, "Stop", run.id, style="danger")
    return [actions(button(PAUSE, "Pause", run.id), stop)]


def commands(plan: Plan) -> list[str]:
    """The statements as they would be typed; with several targets each line begins with its own."""
    if len(plan.targets) == 1:
        return list(plan.statements)
    width = max(map(len, plan.targets))
    return [f"{change.target:<{width}}> {text}" for change in plan.changes for text in change.statements]


def _what(plan: Plan) -> str:
    where = ", ".join(code(name) for name in plan.targets[:8])
    address = f" ({escape(plan.changes[0].address)})" if len(plan.targets) == 1 else ""
    turns = ""
    if len(plan.targets) > 1:
        after = {"stop": "stops there", "undo": "is undone", "continue": "goes on with the next"}[plan.on_failure]
        turns = f"\n{len(plan.waves)} turns, each verified before the next; after a failure it {after}."
    return f"*{escape(plan.title, 200)}* · {', '.join(map(code, plan.actions))} on {where}{address}{turns}"


def _alternative(run: Run, plan: Plan) -> list[Block]:
    """Another change that would mend it, with its own button."""
    return [
        section(f"*Or:* {_what(plan)}\n{escape(plan.blast_radius)}, {escape(plan.risk)}"),
        preformatted(commands(plan)),
        context(*_undo(plan)),
        actions(_approve(run, plan, f"{APPROVE}.{plan.remedy}", "Approve this instead")),
    ]


def planned(run: Run, not_offered: str) -> str:
    """What a runbook would find and do now, for one person who only looks."""
    lead = run.lead
    lines = [f"*{escape(lead.says, 700)}*" if lead else "None of this runbook's causes applies."]
    if run.plan is not None:
        lines += [_what(run.plan), f"```{fenced(chr(10).join(commands(run.plan)), 1500)}```", *_undo(run.plan)]
        icons = {Answer.PASS: ":white_check_mark:", Answer.ASK: ":ballot_box_with_check:", Answer.REFUSE: ":no_entry:"}
        lines += [f"{icons[v.answer]} {escape(v.guard)}: {sentence(v.says, 200)}" for v in run.verdicts]
        lines.append(
            f"_Nothing was asked or changed._ It takes {run.approvals_needed} approval(s), not the requester's."
        )
    if not_offered:
        lines.append(f":no_entry: Not offered: {sentence(not_offered, 500)}")
    return "\n".join(lines)


def _buttons(run: Run, plan: Plan) -> Block:
    return actions(
        _approve(run, plan, APPROVE, "Approve"),
        button(DENY, "Deny", f"{run.id}:{plan.digest}", style="danger"),
    )


def _approve(run: Run, plan: Plan, action: str, label: str) -> dict[str, Any]:
    where = ", ".join(plan.targets)
    sure = confirm(f"Run on {where}?", "; ".join(commands(plan)), "Run", danger=plan.risk != "reversible")
    return button(action, label, f"{run.id}:{plan.digest}", style="primary", confirm=sure)


def _undo(plan: Plan) -> list[str]:
    lines = [f"*Costs* {escape(plan.cost, 300)}"] if plan.cost else []
    lines.append(f"*Undo* {escape(plan.undo_says, 300)}")
    lines += [code(text, 300) for text in plan.undo[:3]]
    if plan.revert_after is not None:
        lines.append(f"Undone by itself after {duration(plan.revert_after)}.")
    return lines


def _decision(user: str, choice: Choice, at: datetime) -> str:
    done = "approved" if choice is Choice.APPROVE else "denied"
    icon = ":white_check_mark:" if choice is Choice.APPROVE else ":no_entry_sign:"
    return f"{icon} <@{escape(user)}> {done} it at {moment(at)}"
