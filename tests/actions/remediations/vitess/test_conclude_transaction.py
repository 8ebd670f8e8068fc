"""Ends a distributed transaction that was left half way."""

from __future__ import annotations

import time
from typing import Any

import pytest

from actions.contract import NoUndo, Refused
from actions.diagnostics.vitess.unresolved_transactions import unresolved_transactions
from actions.remediations.vitess import conclude_transaction
from actions.remediations.vitess.conclude_transaction import ConcludeTransaction
from tests.actions.vitess_hands import Hands
from tests.recorded_vitess import THREE, RecordedVitess
from tests.recorded_vtctld_answers import DTID, OTHER, nanoseconds

CONCLUDE = ConcludeTransaction(DTID)
EMPTY = {"Distributed": None, "Prepared": None, "Failed": None}


def recorded(state: str = "PREPARE", seconds: float = 600, *, share: str = "PREPARED", **pages: Any) -> RecordedVitess:
    participants = [{"keyspace": "commerce", "shard": shard} for shard in ("80-", "-80")]
    known = {"dtid": DTID, "state": state, "time_created": str(nanoseconds(seconds)), "participants": participants}
    info = {"metadata": known, "shard_states": [{"shard": "80-", "state": share}, {"shard": "-80"}]}
    return RecordedVitess(
        {"GetTransactionInfo": info if state else {}, "GetUnresolvedTransactions": {}},
        {
            "vttablet zone1-0000000100 /twopcz?format=json": pages.get("here", EMPTY),
            "vttablet zone1-0000000103 /twopcz?format=json": pages.get("there", EMPTY),
        },
        tablets=(*THREE, OTHER),
    )


@pytest.mark.parametrize("state", ["PREPARE", "ROLLBACK"])
def test_one_of_which_nothing_is_committed_is_taken_back(state):
    vt = recorded(state)
    CONCLUDE.check(vt)
    assert [str(each) for each in CONCLUDE.change(vt)] == [f'ConcludeTransaction {{"dtid":"{DTID}"}}']
    assert CONCLUDE.cost(vt).startswith(f"{DTID} is rolled back on commerce/-80, commerce/80-. Its state is {state}")


def test_one_that_is_to_be_committed_is_refused_as_it_would_be_half_a_transaction():
    with pytest.raises(Refused, match="is decided to commit: -80 has committed it, and commerce/-80, commerce/80-"):
        CONCLUDE.check(recorded("COMMIT"))


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"state": ""}, "it was concluded, or it never"),
        ({"state": "NEW"}, "unknown whether commerce:-80:1795657850737 was decided to commit"),
        ({"seconds": 20}, r"\d+ s old and may still be under way"),
        ({"share": "FAILED"}, "The part of .* on 80- failed after it was prepared"),
    ],
)
def test_one_that_is_unknown_young_or_failed_is_refused(told, why):
    with pytest.raises(Refused, match=why):
        CONCLUDE.check(recorded(**told))


@pytest.mark.parametrize("dtid", ["", "other:-80:7", 'commerce:-80:7"}', "commerce:-80"])
def test_what_is_no_transaction_of_the_keyspace_is_refused(dtid):
    with pytest.raises(Refused, match="of a distributed transaction in commerce;"):
        ConcludeTransaction(dtid).check(recorded())


def test_it_is_good_once_no_shard_knows_it():
    assert CONCLUDE.verify(recorded()).ok
    share = {**EMPTY, "Prepared": [{"Dtid": DTID, "Queries": ["x"], "Time": "2026-11-26T01:40:50.73762944Z"}]}
    still = CONCLUDE.verify(recorded(there=share))
    assert (still.ok, still.settled) == (False, False)
    assert still.says == f"{DTID} still exists, prepared on 80-."
    unknown = CONCLUDE.verify(recorded(there="<html>"))
    assert (unknown.ok, unknown.settled) == (False, False)


def test_it_cannot_be_undone():
    with pytest.raises(NoUndo):
        list(CONCLUDE.undo(recorded()))


@pytest.mark.vitess
def test_on_a_real_cluster_the_records_that_a_dead_vtgate_leaves_are_taken_back(hands: Hands, monkeypatch):
    # Vitess itself resolves what is old, after ten seconds in the lab; so this one is of the hour to come.
    dtid, now = f"commerce:-80:{time.time_ns() // 1_000_000}", nanoseconds(-3600)
    hands.administer(
        "80-",
        f"INSERT INTO _vt.redo_state VALUES ('{dtid}', 1, {now}, NULL)",
        f"INSERT INTO _vt.redo_statement VALUES ('{dtid}', 1, 'update customer set visits = 7 where customer_id = 4')",
    )
    hands.administer(
        "-80",
        f"INSERT INTO _vt.dt_participant VALUES ('{dtid}', 1, 'commerce', '80-')",
        f"INSERT INTO _vt.dt_state VALUES ('{dtid}', 1, {now})",
    )
    conclude = ConcludeTransaction(dtid)
    with pytest.raises(Refused, match="may still be under way"):
        hands.check(conclude)
    found = hands.ask(unresolved_transactions, older_than=0.0)
    assert [(one.dtid, one.state, one.shard) for one in found.undecided] == [(dtid, "PREPARE", "-80")]
    assert [(one.shard, one.statements) for one in found.prepared] == [("80-", 1)]
    monkeypatch.setattr(conclude_transaction, "OLD", 0.0)
    hands.make(conclude)
    assert hands.verify(conclude).ok
    assert hands.ask(unresolved_transactions, older_than=0.0).count == 0
    with pytest.raises(Refused, match="it was concluded"):
        hands.check(conclude)
