"""The card that closes a run's thread: the result, the timeline, and the buttons to undo or retry. Pure."""

from __future__ import annotations

from bot.engine.run import Run, RunState
from bot.slack.action_ids import RETRY, UNDO
from bot.slack.blocks import Block, actions, button, confirm, context, moment, section, sentence


def outcome(run: Run) -> list[Block]:
    """Returns the result with the timeline, and the buttons to undo or retry if they apply."""
    icon = ":large_green_circle:" if run.state is RunState.MENDED else ":warning:"
    if run.state in (RunState.DENIED, RunState.EXPIRED, RunState.RESOLVED, RunState.UNDONE):
        icon = ":white_circle:"
    found = [section(f"{icon} *{run.state.label}.* {sentence(run.says)}")]
    if run.revert_at is not None and run.state is RunState.MENDED:
        when = moment(run.revert_at)
        found.append(
            context(f"The change will be undone automatically at {when}, unless the setting is changed before then.")
        )
    lines = [f"{moment(e.at)}  {sentence(e.what, 160)}" for e in run.timeline[-10:]]
    if lines:
        found.append(context("\n".join(lines)))
    if run.state is RunState.MENDED and run.plan is not None and run.plan.undo:
        confirmation = confirm(f"Undo on {run.target}?", "; ".join(run.plan.undo), "Undo", danger=True)
        found.append(actions(button(UNDO, "Undo", f"{run.id}:{run.plan.digest}", confirm=confirmation)))
    if run.state in (RunState.FAILED, RunState.UNKNOWN, RunState.REFUSED, RunState.EXPIRED) and run.runbook:
        found.append(actions(button(RETRY, "Try again", run.id)))
    return found
