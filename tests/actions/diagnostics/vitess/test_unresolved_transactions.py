"""Which distributed transactions were left half way."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from actions.contract import Unreadable
from actions.diagnostics.vitess.unresolved_transactions import unresolved_transactions
from tests.recorded_vitess import THREE, RecordedVitess, server
from tests.recorded_vtctld_answers import DTID, OTHER, nanoseconds

HERE, THERE = "vttablet zone1-0000000100 /twopcz?format=json", "vttablet zone1-0000000103 /twopcz?format=json"
EMPTY = {"Distributed": None, "Prepared": None, "Failed": None}


def stamp(seconds: float) -> str:
    return datetime.fromtimestamp(time.time() - seconds, UTC).isoformat().replace("+00:00", "144Z")


def metadata(state: str = "PREPARE", seconds: float = 600) -> dict[str, Any]:
    participants = [{"keyspace": "commerce", "shard": shard, "tablet_type": "PRIMARY"} for shard in ("80-", "-80")]
    return {"dtid": DTID, "state": state, "time_created": str(nanoseconds(seconds)), "participants": participants}


def distributed(state: str = "PREPARE", seconds: float = 600) -> dict[str, Any]:
    participants = [{"keyspace": "commerce", "shard": "80-"}]
    one = {"Dtid": DTID, "State": state, "Created": stamp(seconds), "Participants": participants}
    return {**EMPTY, "Distributed": [one]}


def prepared(seconds: float = 600, name: str = "Prepared", message: str = "") -> dict[str, Any]:
    queries = ["update customer set email = 'ann@example.org' where customer_id = 4"]
    return {**EMPTY, name: [{"Dtid": DTID, "Queries": queries, "Time": stamp(seconds), "Message": message}]}


def recorded(*found: dict[str, Any], here: Any = EMPTY, there: Any = EMPTY, **more: Any) -> RecordedVitess:
    calls = {"GetUnresolvedTransactions": {"transactions": list(found)}}
    return RecordedVitess(calls, {HERE: here, THERE: there}, tablets=(*THREE, OTHER), **more)


def test_no_transactions_are_an_empty_answer():
    found = unresolved_transactions(recorded())
    assert (found.count, found.oldest, found.missing) == (0, 0.0, ())


def test_a_transaction_that_a_dead_vtgate_left_is_told_once_with_its_share():
    found = unresolved_transactions(recorded(metadata(), here=distributed(), there=prepared()))
    [one] = found.undecided
    assert (one.dtid, one.state, one.shard, one.participants) == (
        DTID,
        "PREPARE",
        "-80",
        ("commerce/-80", "commerce/80-"),
    )
    assert 599 <= one.age < 620
    [share] = found.prepared
    assert (share.shard, share.tablet, share.statements, share.failed) == ("80-", OTHER.alias, 1, False)
    assert (found.count, found.orphaned, found.committed) == (1, (), ())
    assert "ann@example.org" not in repr(found)


def test_one_that_vtctld_does_not_tell_yet_is_told_by_the_tablet():
    found = unresolved_transactions(recorded(here=distributed(seconds=45), there=prepared(45)))
    assert [(one.dtid, one.participants) for one in found.transactions] == [(DTID, ("commerce/80-",))]


def test_what_is_younger_than_the_bound_is_under_way():
    vt = recorded(here=distributed(seconds=5), there=prepared(5))
    assert unresolved_transactions(vt).count == 0
    assert unresolved_transactions(vt, older_than=1.0).count == 1


def test_one_that_is_to_be_committed_is_not_undecided():
    found = unresolved_transactions(recorded(metadata("COMMIT"), there=prepared()))
    assert [one.state for one in found.committed] == ["COMMIT"]
    assert found.undecided == ()


def test_a_share_whose_transaction_nobody_knows_is_orphaned():
    found = unresolved_transactions(recorded(there=prepared()))
    assert [one.dtid for one in found.orphaned] == [DTID]
    assert found.count == 1


def test_a_share_that_could_not_be_committed_is_told_without_its_values():
    said = (
        "Duplicate entry 'ann@example.org' for key 'uq' (errno 1062) during query: insert into customer values ('ann')"
    )
    [share] = unresolved_transactions(recorded(there=prepared(name="Failed", message=said))).failed
    assert share.message == "Duplicate entry '?' for key 'uq' (errno 1062)"


def test_where_a_vttablet_is_away_its_tables_are_read_beneath():
    tablet_mysql = server(
        {
            "_vt.dt_state": [
                {"dtid": DTID, "state": 3, "created": nanoseconds(100), "participant": "commerce/80-"},
            ],
            "_vt.redo_state": [{"dtid": DTID, "state": 0, "created": nanoseconds(100), "message": "lost"}],
        }
    )
    found = unresolved_transactions(recorded(here=Unreadable("refused"), under={"zone1-0000000100": tablet_mysql}))
    assert [(one.state, one.participants) for one in found.committed] == [("COMMIT", ("commerce/80-",))]
    assert [(one.failed, one.message) for one in found.failed] == [(True, "lost")]
    assert found.missing == ("/twopcz of vttablet zone1-0000000100 could not be read: refused",)


def test_where_nobody_answers_it_is_unreadable():
    with pytest.raises(Unreadable, match="GetUnresolvedTransactions"):
        unresolved_transactions(RecordedVitess())
