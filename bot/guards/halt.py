"""Refuses everything while the halt switch is on."""

from __future__ import annotations

from bot.guards.facts import Answer, Facts, Verdict, mention


def judge(facts: Facts) -> Verdict:
    """Refuses while halted, and says who halted, since when and why."""
    if facts.halt is None:
        return Verdict("halt", Answer.PASS, "The halt switch is off.")
    since = facts.halt.since.strftime("%H:%M UTC")
    says = (
        f"All changes are halted by {mention(facts.halt.by)} since {since} ({facts.halt.reason}). "
        "An admin lifts it with /mate resume."
    )
    return Verdict("halt", Answer.REFUSE, says)
