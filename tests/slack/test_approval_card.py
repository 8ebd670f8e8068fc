"""The statements on the approval card: all of them, or the first with the number of the others."""

from __future__ import annotations

from bot.slack.approval_card import MOST_LINES, commands
from tests.samples import change, plan


def test_many_statements_are_counted_after_the_first_ones():
    kills = tuple(f"KILL QUERY {number}" for number in range(1, 201))
    shown = commands(plan(changes=(change(statements=kills),)))
    assert shown[:-1] == [*kills[:MOST_LINES]]
    assert shown[-1] == "… and 140 more, 200 statements in total"


def test_a_few_statements_are_all_shown():
    kills = tuple(f"KILL QUERY {number}" for number in range(MOST_LINES))
    assert commands(plan(changes=(change(statements=kills),))) == [*kills]
