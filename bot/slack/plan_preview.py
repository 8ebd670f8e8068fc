"""The reply to `/runbook plan`: what a runbook would find and change now, without asking for it. Pure."""

from __future__ import annotations

from bot.engine.run import Run
from bot.guards import title
from bot.guards.facts import Answer
from bot.slack.approval_card import commands, summary, undo_lines
from bot.slack.blocks import escape, fenced, sentence


def plan_preview(run: Run, not_offered: str) -> str:
    """Returns the cause, the plan and the verdicts of the guards, for the person who asked."""
    lead = run.lead
    lines = [f"*{escape(lead.says, 700)}*" if lead else "This runbook found no cause."]
    if run.plan is not None:
        lines += [summary(run.plan), f"```{fenced(chr(10).join(commands(run.plan)), 1500)}```", *undo_lines(run.plan)]
        several = run.approvals_needed > 1
        approvals = f"{run.approvals_needed} approvals from people" if several else "1 approval from someone"
        icons = {Answer.PASS: ":white_check_mark:", Answer.ASK: ":ballot_box_with_check:", Answer.REFUSE: ":no_entry:"}
        lines += [f"{icons[v.answer]} {escape(title(v.guard))}: {sentence(v.says, 200)}" for v in run.verdicts]
        lines.append(
            f"_This is a preview: nothing was requested or changed._ The change needs {approvals} other than the "
            "requester."
        )
    if not_offered:
        lines.append(f":no_entry: Not offered: {sentence(not_offered, 500)}")
    return "\n".join(lines)
