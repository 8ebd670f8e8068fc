"""Refuses while a halt holds: of everything, of the shard, or of one of the actions."""

from __future__ import annotations

from bot.guards.facts import Answer, Facts, Verdict


def judge(facts: Facts) -> Verdict:
    """Refuses while halted, and says who halted, since when and why."""
    if facts.halt is None:
        return Verdict("halt", Answer.PASS, "The halt switch is off.")
    return Verdict("halt", Answer.REFUSE, f"{facts.halt} {facts.halt.lifted_by}")
