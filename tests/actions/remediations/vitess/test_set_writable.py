"""The one primary is made writable, anything else read-only, and never is there a second writer."""

from __future__ import annotations

import pytest

from actions.remediations.vitess.set_writable import SetWritable
from tests.recorded_vitess import THREE, tablet
from tests.vitess_shard import GONE, OTHER, PRIMARY, REPLICA, made, primary_status, record, refusal, shard, vtorc

WRITABLE, READ_ONLY = SetWritable(writable=True), SetWritable(writable=False)
NO_ORC = vtorc(healthy=False)
STUCK = {f"GetFullStatus {PRIMARY}": primary_status(super_read_only=True, read_only=True)}
LOOSE = {f"GetFullStatus {REPLICA}": primary_status()}


def test_a_primary_that_was_left_read_only_is_made_writable_and_back():
    vt = shard(STUCK, orc=NO_ORC)
    WRITABLE.check(vt)
    assert made(WRITABLE.change(vt)) == ['SetWritable {"tablet_alias":{"cell":"zone1","uid":100},"writable":true}']
    assert made(WRITABLE.undo(vt)) == ['SetWritable {"tablet_alias":{"cell":"zone1","uid":100},"writable":false}']
    assert "No other writer was" in WRITABLE.cost(vt)
    assert not WRITABLE.verify(vt).ok
    assert WRITABLE.verify(shard()).ok


def test_a_replica_that_takes_writes_is_made_read_only():
    vt = shard(LOOSE, tablet=REPLICA, orc=NO_ORC)
    READ_ONLY.check(vt)
    assert '"writable":false' in made(READ_ONLY.change(vt))[0]
    assert "Every write to zone1-0000000101 fails" in READ_ONLY.cost(vt)
    assert READ_ONLY.verify(shard(tablet=REPLICA)).ok


def test_vtorc_does_both_by_itself():
    assert "makes its primary writable within seconds." in refusal(WRITABLE, shard(STUCK))
    assert "makes its replicas read-only within seconds." in refusal(READ_ONLY, shard(LOOSE, tablet=REPLICA))


@pytest.mark.parametrize(
    ("calls", "tablets", "why"),
    [
        ({"GetShard": record(OTHER)}, THREE, "as primary: a second writer"),
        (LOOSE, THREE, "The MySQL server of zone1-0000000101 accepts"),
        (
            {},
            (tablet(100, "PRIMARY", since=1.0), tablet(101, "PRIMARY", since=2.0), THREE[2]),
            "zone1-0000000101 also has type PRIMARY",
        ),
        (
            {f"GetFullStatus {REPLICA}": GONE},
            (tablet(100, "PRIMARY", since=2.0), tablet(101, "PRIMARY", since=1.0), THREE[2]),
            "the primary before and does not answer",
        ),
    ],
)
def test_a_second_writer_is_refused(calls, tablets, why):
    assert why in refusal(WRITABLE, shard({**STUCK, **calls}, tablets=tablets, orc=NO_ORC))


def test_a_replica_that_cannot_be_asked_is_no_obstacle():
    WRITABLE.check(shard({**STUCK, f"GetFullStatus {OTHER}": GONE}, orc=NO_ORC))


def test_what_is_so_already_what_is_away_and_a_primary_to_be_made_read_only_are_refused():
    assert "zone1-0000000100 already accepts writes." in refusal(WRITABLE, shard())
    assert "zone1-0000000101 is already read-only." in refusal(READ_ONLY, shard(tablet=REPLICA))
    assert "does not answer" in refusal(WRITABLE, shard({f"GetFullStatus {PRIMARY}": GONE}))
    assert "is a primary, and all writes" in refusal(READ_ONLY, shard())


def test_an_answer_that_is_missing_is_no_verdict():
    verdict = WRITABLE.verify(shard({f"GetFullStatus {PRIMARY}": GONE}))
    assert (verdict.ok, verdict.settled) == (False, False)
