"""vitess.tablet_status: the target's own tablet, and which of its two parts is dead."""

from __future__ import annotations

import time

import pytest

from actions.contract import Unreadable
from actions.diagnostics.vitess.tablet_status import ErrorsOfCode, tablet_status
from tests.actions.diagnostics.vitess.recordings import (
    NO_MYSQLD,
    READS,
    REFUSED,
    SEEN,
    SILENT,
    WRITES,
    A,
    B,
    TopologyAway,
    details,
    down,
    healthy,
    of_primary,
    of_replica,
    seen,
    tablet_mysql,
)

PAGE = f"vttablet {A} /debug/status_details"


def test_a_primary_in_health_with_its_counters():
    found = tablet_status(healthy())
    assert (found.alias, found.type, found.is_primary, found.keyspace, found.shard) == (
        A,
        "PRIMARY",
        True,
        "commerce",
        "-80",
    )
    assert (found.vttablet, found.mysqld, found.serving, found.seen, found.seen_as) == (
        "answers",
        "alive",
        True,
        "SERVING",
        "PRIMARY",
    )
    assert (found.mysql, found.state, found.reason) == ("127.0.0.1:17100", "PRIMARY: Serving", "")
    assert (found.vitess_version, found.server_state, found.started_at) == ("24.0.0", "SERVING", 1772330000.15)
    assert found.uptime == pytest.approx(time.time() - 1772330000.15, abs=60)
    assert (found.killed_queries, found.killed_transactions, found.killed_connections) == (3, 4, 5)
    assert found.errors == 9
    assert found.errors_by_code == (ErrorsOfCode("CLUSTER_EVENT", 7), ErrorsOfCode("DEADLINE_EXCEEDED", 2))
    assert (found.internal_errors, found.checking_mysql, found.missing) == (1, False, ())
    assert found.writable
    assert not found.down


@pytest.mark.parametrize(("error", "said"), [(REFUSED, "refused"), (SILENT, "silent")], ids=["killed", "frozen"])
def test_a_dead_vttablet_over_a_living_mysqld(error: Unreadable, said: str):
    vt = healthy(
        tablet=A,
        pages=down(A, error),
        shows=(seen(A, "PRIMARY", "NOT_SERVING", "2026-03-01T03:00:00Z"), *SEEN[1:]),
        under={A: tablet_mysql(read_only=WRITES)},
    )
    found = tablet_status(vt)
    assert (found.vttablet, found.vttablet_dead, found.mysqld, found.mysqld_dead) == (said, True, "alive", False)
    assert (found.serving, found.seen, found.writable) == (False, "NOT_SERVING", True)
    assert (found.uptime, found.vitess_version, found.server_state) == (None, "", "")
    # Through a dead vttablet vtctld would hang until the deadline, so it is not asked.
    assert not [name for name, _ in vt.called if name == "GetFullStatus"]


def test_a_dead_mysqld_under_a_living_vttablet():
    vt = healthy(
        tablet=B,
        calls={f"GetFullStatus {B}": NO_MYSQLD},
        pages={
            f"vttablet {B} /debug/status_details": [
                details("REPLICA: Not connected to mysql", ("Replication Lag", "healthy", "0s"), css="unhealthy")
            ]
        },
        under={},
    )
    found = tablet_status(vt)
    assert (found.vttablet, found.mysqld, found.down) == ("answers", "dead", True)
    assert (found.state, found.serving) == ("REPLICA: Not connected to mysql", False)
    assert (found.read_only, found.super_read_only, found.writable) == (None, None, False)


def test_a_mysqld_that_is_dead_is_known_before_vttablet_has_noticed():
    found = tablet_status(healthy(tablet=B, calls={f"GetFullStatus {B}": NO_MYSQLD}, under={}))
    assert (found.serving, found.mysqld) == (True, "dead")


def test_both_are_dead_or_the_mysqld_is_not_known():
    gone = Unreadable('127.0.0.1:17101 does not let us in: (2003, "Can\'t connect ([Errno 111] Connection refused)")')
    silent = Unreadable("127.0.0.1:17101 did not answer within 2 s.")
    for error, said in ((gone, "dead"), (silent, "unknown")):
        vt = healthy(tablet=B, pages=down(B, SILENT), under={B: tablet_mysql(read_only=error)})  # type: ignore[arg-type]
        found = tablet_status(vt)
        assert (found.vttablet, found.mysqld, found.mysqld_error) == ("silent", said, str(error))


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (
            details(
                "PRIMARY: Not Serving, Mar 1, 2026 at 03:00:00 (UTC)",
                ("Reason", "unhappy", "demotion in progress"),
                css="unhappy",
            ),
            "demotion in progress",
        ),
        (
            details(
                "REPLICA: Not Serving", ("Reason", "unhappy", "TabletControl.DisableQueryService set"), css="unhappy"
            ),
            "TabletControl.DisableQueryService set",
        ),
        (details("REPLICA: Serving", ("Replication Lag", "unhealthy", "11s")), "replication lag of 11s"),
        (details("REPLICA: Serving", ("Lameduck", "unhealthy", "ON")), "it is shutting down"),
        (
            details("REPLICA: Not Serving", ("Transition Error", "unhealthy", "Duplicate entry 'a@b.c' for key 'k'")),
            "Duplicate entry '?' for key 'k'",
        ),
    ],
)
def test_why_a_tablet_does_not_serve_in_its_own_words(page, reason: str):
    found = tablet_status(healthy(pages={PAGE: [page]}))
    assert (found.vttablet, found.serving, found.reason) == ("answers", False, reason)


def test_a_page_with_an_error_is_an_answer_all_the_same():
    error = Unreadable("http://127.0.0.1:15100/debug/status_details answered 500: not ok")
    assert tablet_status(healthy(pages={PAGE: error})).vttablet == "answers"


def test_a_stalled_disk_leaves_the_rest_unknown():
    found = tablet_status(healthy(calls={f"GetFullStatus {A}": {"status": {"disk_stalled": True}}}))
    assert (found.disk_stalled, found.mysqld, found.read_only, found.writable) == (True, "alive", None, False)


def test_a_replica_does_not_take_writes_and_one_that_does_is_told():
    assert not tablet_status(healthy(tablet=B)).writable
    left = of_replica(read_only=None, super_read_only=None)
    assert tablet_status(healthy(tablet=B, calls={f"GetFullStatus {B}": left})).writable
    half = of_replica(super_read_only=None)
    assert not tablet_status(healthy(tablet=B, calls={f"GetFullStatus {B}": half})).writable


def test_without_topology_there_is_what_vtgate_sees_and_nothing_is_called_dead():
    found = tablet_status(healthy(reader=TopologyAway))
    assert (found.vttablet, found.mysqld, found.seen, found.seen_as) == ("unknown", "unknown", "SERVING", "PRIMARY")
    assert (found.down, found.vttablet_dead) == (False, False)
    assert "The topology could not be read" in found.missing[0]


def test_without_vtgate_the_rest_is_there():
    found = tablet_status(healthy(shows=None))
    assert (found.seen, found.vttablet, found.mysqld) == ("unknown", "answers", "alive")
    assert "How vtgate sees the tablets is unknown: vtgate has no recorded answer to 'SHOW" in found.missing[0]


def test_without_either_there_is_nothing():
    with pytest.raises(Unreadable, match="did not answer GetTablets"):
        tablet_status(healthy(reader=TopologyAway, shows=None))


def test_a_tablet_that_vtgate_or_the_topology_does_not_have():
    assert tablet_status(healthy(shows=SEEN[1:])).seen == "absent"
    gone = tablet_status(healthy(tablet="zone1-0000000109"))
    assert (gone.known, gone.seen, gone.down) == (False, "absent", False)


def test_counters_that_could_not_be_read_are_missing():
    found = tablet_status(healthy(pages={f"metrics vttablet {A}": REFUSED, f"vttablet {A} /debug/vars": REFUSED}))
    assert (found.errors, found.uptime) == (0, None)
    assert f"The counters of {A} could not be read" in found.missing[0]
    assert found.mysqld == "alive"


def test_a_mysqld_past_a_vttablet_that_cannot_say_is_read_only_by_its_own_word():
    refused = Unreadable("vtctld at 127.0.0.1:15999 did not answer GetFullStatus within 2 s.")
    vt = healthy(tablet=B, calls={f"GetFullStatus {B}": refused}, under={B: tablet_mysql(read_only=READS)})
    found = tablet_status(vt)
    assert (found.mysqld, found.super_read_only) == ("alive", True)


def test_a_tablet_with_two_rows_is_as_vtgate_saw_it_last():
    rows = (seen(A, "PRIMARY", since="2026-03-01T03:00:00Z"), seen(A, "REPLICA", "NOT_SERVING"))
    assert tablet_status(healthy(shows=rows)).seen_as == "PRIMARY"
    assert tablet_status(healthy(calls={f"GetFullStatus {A}": of_primary(read_only=True)})).writable is False


@pytest.mark.vitess
def test_a_real_tablet(hands, replica):
    with hands.reader(replica.alias) as vt:
        found = tablet_status(vt)
    assert (found.alias, found.type, found.seen, found.serving) == (replica.alias, "REPLICA", "SERVING", True)
    assert (found.mysqld, found.super_read_only, found.server_state) == ("alive", True, "SERVING")
    assert found.vitess_version == "24.0.0"
    assert found.uptime is not None
    assert found.missing == ()
