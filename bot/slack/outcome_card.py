"""The card that closes a run's thread: the result, the timeline, and the buttons to undo or retry. Pure."""

from __future__ import annotations

from bot.engine.effect_summary import LOUD, next_cause
from bot.engine.run import Run, RunState
from bot.slack.action_ids import RETRY, UNDO
from bot.slack.blocks import Block, actions, button, code, confirm, context, escape, moment, section, sentence

_ICONS = {
    RunState.WATCHING: ":hourglass_flowing_sand:",
    RunState.MENDED: ":large_green_circle:",
    RunState.PARTLY_HELPED: ":rotating_light:",
    RunState.NOT_HELPED: ":rotating_light:",
    RunState.DENIED: ":white_circle:",
    RunState.EXPIRED: ":white_circle:",
    RunState.RESOLVED: ":white_circle:",
    RunState.UNDONE: ":white_circle:",
}
_RETRIED = (*LOUD, RunState.FAILED, RunState.UNKNOWN, RunState.REFUSED, RunState.EXPIRED)


def outcome(run: Run) -> list[Block]:
    """Returns the result with the timeline, and the buttons to undo or retry if they apply."""
    icon = _ICONS.get(run.state, ":warning:")
    found = [section(f"{icon} *{run.state.label}.* {sentence(run.says)}")]
    found += _next_cause(run)
    if run.revert_at is not None and run.stands:
        when = moment(run.revert_at)
        found.append(
            context(f"The change will be undone automatically at {when}, unless the setting is changed before then.")
        )
    lines = [f"{moment(e.at)}  {sentence(e.what, 160)}" for e in run.timeline[-10:]]
    if lines:
        found.append(context("\n".join(lines)))
    buttons = []
    if run.stands and run.plan is not None and run.plan.undo:
        confirmation = confirm(f"Undo on {run.target}?", "; ".join(run.plan.undo), "Undo", danger=True)
        buttons.append(button(UNDO, "Undo", f"{run.id}:{run.plan.digest}", confirm=confirmation))
    if run.state in _RETRIED and run.runbook:
        buttons.append(button(RETRY, "Try again", run.id))
    return [*found, actions(*buttons)] if buttons else found


def _next_cause(run: Run) -> list[Block]:
    """Returns the cause that holds after the changes, with the names of its remedies."""
    cause = next_cause(run)
    if cause is None:
        return []
    head = "Now" if run.state in LOUD else "Another cause holds"
    remedies = " or ".join(code(each.replace("_", " ")) for each in cause.remedies)
    how = f"Press Try again for the plan of {remedies}." if run.state in LOUD else ""
    return [section(f"*{head}:* {escape(cause.says, 1500)} {how}".strip())]
