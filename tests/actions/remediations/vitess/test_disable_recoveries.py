"""Recoveries are disabled at every VTOrc, for a time that ends."""

from __future__ import annotations

import pytest

from actions.remediations.vitess.disable_recoveries import DisableRecoveries
from tests.vitess_shard import made, refusal, shard, vtorc

DISABLE = DisableRecoveries()


def test_every_vtorc_is_asked_and_asked_again_after_the_time():
    DISABLE.check(shard())
    assert made(DISABLE.change(shard())) == ["VTOrc /api/disable-global-recoveries"]
    assert made(DISABLE.undo(shard())) == ["VTOrc /api/enable-global-recoveries"]
    assert DisableRecoveries(for_seconds=60).revert_after == 60
    assert "For 600 s no VTOrc of lab fails over or" in DISABLE.cost(shard())


@pytest.mark.parametrize("seconds", [0, -1, 3601])
def test_a_time_without_an_end_is_refused(seconds):
    assert "at most 3600 s;" in refusal(DisableRecoveries(for_seconds=seconds), shard())


def test_one_that_is_silent_or_disabled_already_is_refused():
    assert "Not every VTOrc of lab is healthy (0 of 1 are)" in refusal(DISABLE, shard(orc=vtorc(healthy=False)))
    assert "already disabled at vtorc. Find out who disabled them," in refusal(DISABLE, shard(orc=vtorc(disabled=True)))


def test_it_is_good_while_none_may_act():
    assert DISABLE.verify(shard(orc=vtorc(disabled=True))).ok
    assert not DISABLE.verify(shard()).ok
    assert not DISABLE.verify(shard(orc=vtorc(healthy=False))).ok
