"""Refuses changes while all changes, the shard or one of the actions is halted."""

from __future__ import annotations

from bot.guards.facts import Answer, Facts, Verdict


def judge(facts: Facts) -> Verdict:
    """Refuses while halted; says who halted changes, since when and why."""
    if facts.halt is None:
        return Verdict("halt", Answer.PASS, "Changes are not halted.")
    return Verdict("halt", Answer.REFUSE, f"{facts.halt} {facts.halt.lifted_by}")
