"""Refuses a plan that changes more replicas of a shard than the policy allows for its risk."""

from __future__ import annotations

from bot.guards.facts import Answer, Facts, Verdict


def judge(facts: Facts) -> Verdict:
    """Passes a plan within the blast radius that the policy allows."""
    radius = facts.radius
    if radius is None:
        return Verdict(
            "blast_radius",
            Answer.REFUSE,
            "The number of replicas that the plan changes is unknown; ask for a new plan.",
        )
    what = f"{radius.changed} of {radius.replicas} replicas of {facts.shard}"
    if radius.changed > radius.most:
        says = f"It changes {what}, and the policy allows {radius.most}. Make it on fewer (`on`), or raise the policy."
        return Verdict("blast_radius", Answer.REFUSE, says)
    return Verdict("blast_radius", Answer.PASS, f"It changes {what}; {radius.most} are allowed.")
