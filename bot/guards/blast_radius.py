"""Refuses a plan that changes more replicas of a shard than the policy allows for its risk."""

from __future__ import annotations

from bot.guards.facts import NEW_PLAN, Answer, Facts, Verdict


def judge(facts: Facts) -> Verdict:
    """Passes a plan within the blast radius that the policy allows."""
    radius = facts.radius
    if radius is None:
        return Verdict(
            "blast_radius",
            Answer.REFUSE,
            f"The number of replicas that the plan changes is unknown. {NEW_PLAN}",
        )
    what = f"{radius.changed} of {radius.replicas} replicas of {facts.shard}"
    if radius.changed > radius.most:
        says = (
            f"The plan changes {what}; the policy allows {radius.most}. Limit the remedy to fewer replicas (`on` in "
            "the runbook), or raise `blast` in policy.yml."
        )
        return Verdict("blast_radius", Answer.REFUSE, says)
    return Verdict("blast_radius", Answer.PASS, f"The plan changes {what}; the policy allows {radius.most}.")
