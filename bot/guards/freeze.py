"""Refuses changes while a freeze of the policy applies to the shard."""

from __future__ import annotations

from bot.guards.facts import Answer, Facts, Verdict


def judge(facts: Facts) -> Verdict:
    """Passes outside of freezes; names the freeze that lasts longest. Break-glass overrides it."""
    frozen = facts.frozen
    if frozen is None:
        return Verdict("freeze", Answer.PASS, f"No freeze applies to {facts.shard}.")
    until = f"{frozen.until:%Y-%m-%d %H:%M %Z}"
    says = f"The freeze {frozen.name!r} in policy.yml covers {facts.shard} until {until} ({frozen.reason})."
    if facts.override is not None:
        return Verdict("freeze", Answer.PASS, f"{facts.override} {says}")
    instead = "Wait until it ends. In an emergency, override it with /mate break-glass RUN REASON."
    return Verdict("freeze", Answer.REFUSE, f"{says} {instead}")
