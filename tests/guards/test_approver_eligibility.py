"""Whose approval counts: one rule for the press of the button and for the look just before the change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.guards.approver_eligibility import Approver, ineligible

APPROVER = Approver("U0BOB", "d1", holds_role=True, role_says="<@U0BOB> is approver by the configuration.")


def test_a_person_with_the_role_who_approved_this_plan_is_eligible():
    assert ineligible(APPROVER, requester="U0CAROL", plan_digest="d1") is None


@pytest.mark.parametrize(
    ("approver", "requester", "digest", "says"),
    [
        (replace(APPROVER, holds_role=False, role_says="<@U0BOB> is no approver."), "U0CAROL", "d1", "is no approver."),
        (APPROVER, "U0BOB", "d1", "<@U0BOB> asked for this change, so another person must approve it."),
        (APPROVER, "U0CAROL", "d2", "<@U0BOB> approved another plan."),
    ],
    ids=["without the role", "the requester", "another plan"],
)
def test_an_approval_that_does_not_count_has_its_reason(approver: Approver, requester: str, digest: str, says: str):
    found = ineligible(approver, requester=requester, plan_digest=digest)
    assert found is not None
    assert found.endswith(says)


def test_who_has_a_shell_on_the_host_of_the_bot_may_approve_what_they_asked_for():
    shell = Approver("shell:root", "d1", holds_role=False, role_says="unknown")
    assert ineligible(shell, requester="shell:root", plan_digest="d1") is None
