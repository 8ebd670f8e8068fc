"""Recoveries that were left disabled are enabled at every VTOrc."""

from __future__ import annotations

from typing import Any

import pytest

from actions.contract import NoUndo
from actions.remediations.vitess.enable_recoveries import EnableRecoveries
from tests.vitess_shard import made, refusal, shard, vtorc

ENABLE = EnableRecoveries()


def off() -> dict[str, Any]:
    """A VTOrc whose recoveries are disabled, healthy as of now."""
    return vtorc(disabled=True)


def test_every_vtorc_is_asked_and_it_is_undone_where_all_were_disabled():
    ENABLE.check(shard(orc=off()))
    assert made(ENABLE.change(shard(orc=off()))) == ["VTOrc /api/enable-global-recoveries"]
    assert made(ENABLE.undo(shard(orc=off()))) == ["VTOrc /api/disable-global-recoveries"]
    assert "acts at once on the problems that it detects in" in ENABLE.cost(shard(orc=off()))


def test_where_one_of_two_is_disabled_there_is_no_undo():
    two = {**off(), "vtorc /debug/health": [off()["vtorc /debug/health"]] * 2}
    with pytest.raises(NoUndo, match="are disabled at some VTOrcs"):
        list(ENABLE.undo(shard(orc=two)))


def test_where_none_is_disabled_or_none_lives_it_is_refused():
    assert "No VTOrc of lab that" in refusal(ENABLE, shard())
    assert "a restart enables its recoveries." in refusal(ENABLE, shard(orc=vtorc(healthy=False)))


def test_it_is_good_while_none_is_disabled():
    assert ENABLE.verify(shard()).ok
    assert not ENABLE.verify(shard(orc=off())).ok
    assert not ENABLE.verify(shard(orc=vtorc(healthy=False))).ok
