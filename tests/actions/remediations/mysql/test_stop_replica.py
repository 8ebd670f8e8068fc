"""mysql.stop_replica: the threads stand, and start again by the undo."""

from __future__ import annotations

import pytest

from actions.contract import Refused
from actions.remediations.mysql.stop_replica import StopReplica
from bot.lab.replication import replica_status, replicates
from bot.lab.waiting import wait_until
from tests.actions.hands import administer, check, make, undo_of, verify


@pytest.fixture(autouse=True)
def running_again(replica):
    yield
    administer(replica, "START REPLICA")
    wait_until(f"{replica.name} replicates", lambda: replicates(replica))


@pytest.mark.lab
@pytest.mark.parametrize(
    ("thread", "statement", "applier", "receiver"),
    [
        ("both", "STOP REPLICA", "No", "No"),
        ("applier", "STOP REPLICA SQL_THREAD", "No", "Yes"),
        ("receiver", "STOP REPLICA IO_THREAD", "Yes", "No"),
    ],
)
def test_it_stops_and_comes_back(notes, replica, thread, statement, applier, receiver):
    stop = StopReplica(thread)
    check(notes, replica, stop)
    undo = undo_of(notes, replica, stop)
    assert make(notes, replica, stop) == [statement]
    assert verify(notes, replica, stop).ok
    status = replica_status(replica)
    assert (status["Replica_SQL_Running"], status["Replica_IO_Running"]) == (applier, receiver)
    assert undo == [statement.replace("STOP", "START")]
    administer(replica, *undo)
    wait_until(f"{replica.name} replicates", lambda: replicates(replica))


@pytest.mark.lab
def test_what_stands_already_is_refused(notes, replica):
    administer(replica, "STOP REPLICA")
    with pytest.raises(Refused, match="is not running; there is nothing to stop"):
        check(notes, replica, StopReplica())


@pytest.mark.lab
def test_one_that_still_runs_is_a_failed_change(notes, replica, monkeypatch):
    monkeypatch.setattr(StopReplica, "settles_within", 0.3)
    verdict = verify(notes, replica, StopReplica())
    assert not verdict.ok
    assert "is still running" in verdict.says


@pytest.mark.lab
def test_a_server_that_follows_nobody_is_refused(notes, replica):
    primary = notes.instance(replica.source or "")
    with pytest.raises(Refused, match="does not replicate"):
        check(notes, primary, StopReplica())


def test_it_takes_the_server_out_so_the_serving_floor_counts():
    assert StopReplica().takes_out
