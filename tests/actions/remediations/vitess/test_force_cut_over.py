"""Lets a schema migration cut over by ending every session that holds its table."""

from __future__ import annotations

import pytest

from actions.contract import NoUndo, Refused, Unreadable
from actions.diagnostics.vitess.schema_migrations import schema_migrations
from actions.remediations.vitess.force_cut_over import ForceCutOver
from bot.lab.connections import ask
from tests.actions.vitess_hands import Hands
from tests.recorded_vtctld_answers import HOLDS, UUID, held_up, migration, migrations

FORCE = ForceCutOver(UUID)


def test_one_that_a_client_holds_up_is_forced_and_the_client_is_named():
    vt = migrations(held_up(), migration("80-", "COMPLETE"))
    FORCE.check(vt)
    assert [str(each) for each in FORCE.change(vt)] == [
        f'ForceCutOverSchemaMigration {{"keyspace":"commerce","uuid":"{UUID}"}}'
    ]
    assert "session 45 of vt_app on zone1-0000000100 (25 s in its transaction, 2 modified rows, idle)" in FORCE.cost(vt)


def test_of_many_sessions_five_are_named_and_the_rest_is_counted():
    vt = migrations(held_up(), holders=[{**HOLDS, "id": number} for number in range(40, 48)])
    assert FORCE.cost(vt).count("session ") == 5
    assert ", and 3 more" in FORCE.cost(vt)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (migration(status="COMPLETE"), "is not running; there"),
        (held_up(postpone_completion=True), "owner completes it with ALTER VITESS_MIGRATION '.*' COMPLETE"),
        (migration(progress=40.0), r"is not ready on -80 \(40 % done\)"),
        (held_up(cutover_attempts=0, message=""), "has not tried to cut over yet"),
    ],
)
def test_one_that_is_not_held_up_is_refused(found, why):
    with pytest.raises(Refused, match=why):
        FORCE.check(migrations(found))


@pytest.mark.parametrize("holders", [(), ({**HOLDS, "user": "vt_dba"},), Unreadable("denied")])
def test_it_is_refused_where_it_is_not_known_whom_it_ends(holders):
    with pytest.raises(Refused, match="found that holds customer of commerce on -80, so it is unknown which sessions"):
        FORCE.check(migrations(held_up(), holders=holders))


def test_a_backup_among_those_who_hold_the_table_is_not_ended():
    dump = {**HOLDS, "id": 46, "user": "backup"}
    with pytest.raises(Refused, match="hold customer is protected: Session 46 of backup is protected:"):
        FORCE.check(migrations(held_up(), holders=(HOLDS, dump)))


def test_it_is_good_once_it_is_complete_everywhere():
    assert FORCE.verify(migrations(migration(status="COMPLETE"))).ok
    early = FORCE.verify(migrations(held_up(), migration("80-", "COMPLETE")))
    assert (early.ok, early.settled) == (False, False)
    assert early.says.endswith("On -80 it has made 2 attempts; its stage is: locking tables.")
    failed = FORCE.verify(migrations(migration(status="FAILED"), held_up("80-")))
    assert (failed.ok, failed.settled) == (False, True)


def test_it_cannot_be_undone():
    with pytest.raises(NoUndo):
        list(FORCE.undo(migrations(held_up())))


@pytest.mark.vitess
def test_on_a_real_cluster_the_session_that_holds_the_table_is_named_and_ended(hands: Hands):
    uuid = hands.migrate("alter table customer add column forced int", "--postpone-completion --cut-over-threshold=5s")
    force = ForceCutOver(uuid)
    hands.until(uuid, lambda one: one.ready_to_complete)
    with pytest.raises(Refused, match="was postponed by its owner"):
        hands.check(force)
    with hands.client() as client:
        # A vttablet ends a transaction after half a minute, so it begins when all else is ready.
        ask(client, "begin")
        ask(client, "update customer set visits = visits where customer_id = 1")
        hands.call("CompleteSchemaMigration", keyspace="commerce", uuid=uuid)
        hands.until(uuid, lambda one: one.blocked, everywhere=False)
        [holder] = hands.ask(schema_migrations, uuid=uuid).holders
        assert (holder.user, holder.idle, holder.lock, holder.through_vtgate) == (
            "vt_app",
            True,
            "SHARED_WRITE",
            True,
        )
        hands.check(force)
        hands.make(force)
        assert hands.verify(force).ok
        hands.lost(client)
