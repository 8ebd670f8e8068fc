"""vitess.backups: the newest one that nothing speaks against, and one that is being made."""

from __future__ import annotations

import time
from typing import Any

import pytest

from actions.contract import Unreadable
from actions.diagnostics.vitess.backups import backups
from tests.actions.diagnostics.vitess.recordings import SILENT, A, B, C, TopologyAway, down, healthy, typed
from tests.recorded_vitess import series

NOON = 1_772_366_400
RUNS = (series(1, __name__="vttablet_backup_is_running", mode="online"),)


@pytest.fixture(autouse=True)
def a_day_later(request, monkeypatch):
    if not request.node.get_closest_marker("vitess"):  # gRPC reckons its deadlines with this clock, too
        monkeypatch.setattr(time, "time", lambda: float(NOON + 86_400))


def backup(uid: int, after: int = 0, **more: Any) -> dict[str, Any]:
    """One of GetBackups; Vitess 24 gives it no status."""
    return {
        "name": f"2026-03-01.{120000 + after}.zone1-{uid:010d}",
        "directory": "commerce/-80",
        "keyspace": "commerce",
        "shard": "-80",
        "tablet_alias": {"cell": "zone1", "uid": uid},
        "time": {"seconds": str(NOON + after)},
        **more,
    }


def told(*found: dict[str, Any], **more: Any) -> Any:
    return healthy(calls={"GetBackups": {"backups": list(found)}}, **more)


def test_none_at_all():
    found = backups(healthy())
    assert (found.none, found.newest, found.age, found.number, found.running_now) == (True, None, None, 0, False)


def test_the_newest_and_how_old_it_is():
    found = backups(told(backup(101), backup(102, 3600), backup(101, 60)))
    assert found.newest is not None
    assert (found.newest.name, found.newest.tablet, found.newest.usable) == (f"2026-03-01.123600.{C}", C, True)
    assert (found.age, found.number, found.none, found.broken) == (82_800.0, 3, False, 0)


def test_one_that_is_being_made_is_in_the_list_and_does_not_count():
    found = backups(told(backup(101), backup(102, 3600), pages={f"metrics vttablet {C}": RUNS}))
    assert found.newest is not None
    assert (found.newest.tablet, found.number, found.running, found.running_now) == (B, 1, (C,), True)
    # Of the same tablet the one before it is whole.
    found = backups(told(backup(102), backup(102, 3600), pages={f"metrics vttablet {C}": RUNS}))
    assert found.newest is not None
    assert (found.newest.at, found.number) == (float(NOON), 1)


def test_a_tablet_of_type_backup_makes_one():
    assert backups(told(backup(102), tablets=typed("BACKUP", 102))).running == (C,)


def test_incomplete_and_invalid_ones_do_not_count_where_a_later_vitess_tells():
    found = backups(
        told(backup(101, status="COMPLETE"), backup(102, 60, status="INCOMPLETE"), backup(102, 90, status="INVALID"))
    )
    assert found.newest is not None
    assert (found.newest.tablet, found.newest.status, found.number, found.broken) == (B, "COMPLETE", 1, 2)


def test_one_whose_name_says_nothing_has_no_age():
    found = backups(told({"name": "by-hand", "directory": "commerce/-80"}))
    assert (found.none, found.age, found.number) == (False, None, 1)


def test_while_the_topology_or_a_vttablet_is_away_the_backups_are_told():
    found = backups(told(backup(101), reader=TopologyAway))
    assert (found.number, found.running) == (1, ())
    assert (
        "Whether a backup is in progress is unknown: vtctld at 127.0.0.1:15999 did not answer GetTablets"
        in found.missing[0]
    )
    found = backups(told(backup(101), pages=down(A, SILENT)))
    assert (found.number, found.running) == (1, ())
    assert (
        f"Whether {A} is making a backup is unknown: http://127.0.0.1:15101/debug/status_details did not answer"
        in found.missing[0]
    )


def test_no_storage():
    refused = Unreadable("vtctld at 127.0.0.1:15999 refused GetBackups: no registered implementation of BackupStorage")
    with pytest.raises(Unreadable, match="no registered implementation"):
        backups(healthy(calls={"GetBackups": refused}))


@pytest.mark.vitess
def test_a_real_shard_that_was_never_backed_up(hands):
    found = hands.ask(backups)
    assert (found.none, found.age, found.running, found.missing) == (True, None, (), ())
