"""Vttablets read their records again, one or all of a shard."""

from __future__ import annotations

from actions.remediations.vitess.refresh_state import RefreshState
from tests.recorded_vitess import THREE, tablet
from tests.vitess_shard import GONE, OTHER, PRIMARY, REPLICA, made, refusal, replica_status, shard

ONE, ALL = RefreshState(), RefreshState("shard")


def test_one_tablet_or_all_of_the_shard():
    vt = shard(tablet=REPLICA)
    ONE.check(vt)
    ALL.check(vt)
    assert made(ONE.change(vt)) == ['RefreshState {"tablet_alias":{"cell":"zone1","uid":101}}']
    assert made(ALL.change(vt)) == ['RefreshStateByShard {"keyspace":"commerce","shard":"-80"}']
    assert made(ONE.undo(vt)) == []


def test_where_nobody_answers_it_is_refused():
    away = {f"GetFullStatus {each}": GONE for each in (PRIMARY, REPLICA, OTHER)}
    assert "vttablet of commerce/-80 answers (zone1-0000000100: vtctld" in refusal(ALL, shard(away))
    assert "did not answer GetFullStatus" in refusal(ONE, shard({f"GetFullStatus {REPLICA}": GONE}, tablet=REPLICA))


def test_it_is_good_once_each_has_the_type_of_its_record():
    assert ALL.verify(shard()).ok
    stale = shard({f"GetFullStatus {REPLICA}": replica_status(tablet_type="DRAINED")}, tablet=REPLICA)
    verdict = ONE.verify(stale)
    assert (verdict.ok, verdict.settled) == (False, False)
    assert f"that do not have their recorded type yet: {REPLICA}." in verdict.says


def test_one_that_is_away_is_left_out_and_none_is_no_success():
    assert ALL.verify(shard({f"GetFullStatus {OTHER}": GONE})).says.startswith("2 tablets of commerce/-80")
    assert not ONE.verify(shard({f"GetFullStatus {REPLICA}": GONE}, tablet=REPLICA)).ok
    assert not ONE.verify(shard(tablet="zone1-0000000109", tablets=(*THREE, tablet(104, shard="80-")))).ok
