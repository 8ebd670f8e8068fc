"""Decides whether one person's approval of a plan counts. Pure.

The same rule is applied when somebody presses Approve and again just before the change, on facts of that moment.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.guards.facts import SHELL, mention


@dataclass(frozen=True, slots=True)
class Approver:
    """A person who approves, or has approved, a plan."""

    user: str
    digest: str
    """Digest of the plan that the person approved."""
    holds_role: bool
    """Whether the person holds the role `approver` for this shard and risk now."""
    role_says: str
    """The directory's sentence about the role: by what the person holds it, or why not."""


def ineligible(approver: Approver, *, requester: str, plan_digest: str) -> str | None:
    """Returns why the approval does not count, as one sentence, or None when it counts.

    A person with a shell on the bot's own host is always eligible: that shell is the proof of identity.
    """
    if approver.user.startswith(SHELL):
        return None
    who = mention(approver.user)
    if not approver.holds_role:
        return approver.role_says
    if approver.user == requester:
        return f"{who} asked for this change, so another person must approve it."
    if approver.digest != plan_digest:
        return f"{who} approved another plan."
    return None
