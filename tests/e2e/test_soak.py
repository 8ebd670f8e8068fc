"""A few rounds of the soak: the bot dies at moments that chance chose. `make soak` has many more."""

from __future__ import annotations

import pytest

from bot.lab.lab_state import LabState
from tests.soak import soaking

pytestmark = [pytest.mark.lab, pytest.mark.long]


@pytest.mark.parametrize(("mode", "kills"), [("sqlite", 4), ("replicas", 2)])
def test_the_bot_dies_at_any_moment_and_nothing_is_lost_or_repeated(
    lab: LabState, mode: str, kills: int, request: pytest.FixtureRequest
):
    if mode != "sqlite":
        request.getfixturevalue("postgresql")
    with soaking(lab, mode, seed=7) as soak:
        for number in range(kills):
            soak.round(number)
    assert soak.broken == []
    assert soak.counts["strikes"] == soak.counts["accepted"] == kills
