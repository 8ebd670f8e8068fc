"""The approval card: the exact statements of a plan, the buttons to decide on it, and the decisions. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.engine.plan import Plan
from bot.engine.run import Choice, Run, RunState
from bot.guards import title
from bot.guards.facts import Answer, mention
from bot.slack.action_ids import APPROVE, DENY, GO_ON, PAUSE, STOP
from bot.slack.blocks import (
    Block,
    actions,
    button,
    code,
    confirm,
    context,
    duration,
    escape,
    moment,
    preformatted,
    section,
    sentence,
)

MOST_LINES = 60
"""Statements that a card shows; Slack limits the length of a message."""


def approval(run: Run, plan: Plan) -> list[Block]:
    """Returns the blocks of the approval card: the buttons while it waits, the decisions always."""
    expires = moment(run.expires_at) if run.expires_at else "–"
    needed = f"{run.approvals_needed} approver{'s' if run.approvals_needed > 1 else ''} other than the requester"
    found = [
        section(
            summary(plan),
            [
                f"*Blast radius*\n{escape(plan.blast_radius)}",
                f"*Risk*\n{escape(plan.risk)}",
                f"*Approval by*\n{needed}",
                f"*Expires*\n{expires}",
            ],
        ),
        preformatted(commands(plan)),
        context(*undo_lines(plan)),
    ]
    passed = [v for v in run.verdicts if v.answer is Answer.PASS]
    found.append(
        context("\n".join(f":white_check_mark: {escape(title(v.guard))}: {sentence(v.says, 200)}" for v in passed[:8]))
    )
    digests = {plan.digest, *(each.digest for each in run.alternatives)}
    decided = [_decision(d.user, d.choice, d.at) for d in run.decisions if d.digest in digests]
    if decided:
        found.append(section("\n".join(decided)))
    if run.state is RunState.WAITING:
        found.append(_buttons(run, plan))
        if decided:
            found.append(context("Any approver can still press Deny to cancel the plan."))
        for other in run.alternatives[:3]:
            found += _alternative(run, other)
    else:
        found.append(context(f"*{run.state.label}*"))
        found += _pausing(run, plan)
    found.append(context(f"plan {code(plan.digest[:12])} · run {code(run.id)}"))
    return found


def _pausing(run: Run, plan: Plan) -> list[Block]:
    """Returns who paused or stopped the change, and the buttons for that while it has batches left."""
    if run.state is RunState.PAUSED:
        pause = run.pause_request
        until = f" If nobody resumes it, it stops at {moment(pause.until)}." if pause and pause.until else ""
        resume = button(GO_ON, "Resume", run.id, style="primary")
        return [context(f"{sentence(run.says)}{until}"), actions(resume, button(STOP, "Stop", run.id, style="danger"))]
    if run.state not in (RunState.APPROVED, RunState.CHANGING) or len(plan.batches) < 2:
        return []
    if run.pause_request is not None:
        verb = "pauses" if run.pause_request.kind == "pause" else "stops"
        return [
            context(
                f"The change {verb} before its next batch, as {sentence(mention(run.pause_request.user))} requested."
            )
        ]
    stop = button(STOP, "Stop", run.id, style="danger")
    return [actions(button(PAUSE, "Pause", run.id), stop)]


def commands(plan: Plan) -> list[str]:
    """Returns the statements of a plan; with several targets, each line starts with its target.

    Of more than MOST_LINES, such as the KILL QUERY of 200 sessions, the first are shown, and the last line says how
    many more there are.
    """
    width = max(map(len, plan.targets), default=0)
    several = len(plan.targets) > 1
    lines = [
        f"{change.target:<{width}}> {text}" if several else text
        for change in plan.changes
        for text in change.statements
    ]
    if len(lines) <= MOST_LINES:
        return lines
    return [*lines[:MOST_LINES], f"… and {len(lines) - MOST_LINES} more, {len(lines)} statements in total"]


def summary(plan: Plan) -> str:
    """Returns the title, the actions and the targets of a plan."""
    where = ", ".join(code(name) for name in plan.targets[:8])
    address = f" ({escape(plan.changes[0].address)})" if len(plan.targets) == 1 else ""
    batches = f"\n{_batches(plan)}" if len(plan.targets) > 1 else ""
    return f"*{escape(plan.title, 200)}* · {', '.join(map(code, plan.actions))} on {where}{address}{batches}"


def _batches(plan: Plan) -> str:
    """Returns how many batches a change has, and what happens after a failure."""
    count = len(plan.batches)
    what = f"{count} batches, each verified before the next" if count > 1 else "1 batch"
    failures = f"{plan.error_budget} change{'s' if plan.error_budget != 1 else ''}"
    then = {
        "stop": "stops",
        "undo": "is undone",
        "continue": f"continues, but starts no further batch once more than {failures} failed",
    }[plan.on_failure]
    return f"{what}; after a failure the change {then}."


def _alternative(run: Run, plan: Plan) -> list[Block]:
    """Returns another remediation of the cause, with its own button."""
    return [
        section(f"*Or:* {summary(plan)}\n{escape(plan.blast_radius)}, {escape(plan.risk)}"),
        preformatted(commands(plan)),
        context(*undo_lines(plan)),
        actions(_approve(run, plan, f"{APPROVE}.{plan.remedy}", "Approve this instead")),
    ]


def _buttons(run: Run, plan: Plan) -> Block:
    return actions(
        _approve(run, plan, APPROVE, "Approve"),
        button(DENY, "Deny", f"{run.id}:{plan.digest}", style="danger"),
    )


def _approve(run: Run, plan: Plan, action: str, label: str) -> dict[str, Any]:
    where = ", ".join(plan.targets)
    confirmation = confirm(f"Run on {where}?", "; ".join(commands(plan)), "Run", danger=plan.risk != "reversible")
    return button(action, label, f"{run.id}:{plan.digest}", style="primary", confirm=confirmation)


def undo_lines(plan: Plan) -> list[str]:
    """Returns what the change costs, and how and when it is undone."""
    lines = [f"*Cost* {escape(plan.cost, 300)}"] if plan.cost else []
    lines.append(f"*Undo* {escape(plan.undo_says, 300)}")
    lines += [code(text, 300) for text in plan.undo[:3]]
    if plan.revert_after is not None:
        lines.append(f"The change will be undone automatically after {duration(plan.revert_after)}.")
    return lines


def _decision(user: str, choice: Choice, at: datetime) -> str:
    done = "approved" if choice is Choice.APPROVE else "denied"
    icon = ":white_check_mark:" if choice is Choice.APPROVE else ":no_entry_sign:"
    return f"{icon} <@{escape(user)}> {done} the plan at {moment(at)}"
