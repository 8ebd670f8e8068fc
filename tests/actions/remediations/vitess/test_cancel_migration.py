"""Cancels a schema migration that waits or runs."""

from __future__ import annotations

import pytest

from actions.contract import NoUndo, Refused
from actions.remediations.vitess.cancel_migration import CancelMigration
from tests.actions.vitess_hands import Hands
from tests.recorded_vtctld_answers import UUID, migration, migrations

CANCEL = CancelMigration(UUID)


@pytest.mark.parametrize("status", ["QUEUED", "READY", "RUNNING"])
def test_one_that_waits_or_runs_is_cancelled(status):
    vt = migrations(migration(status=status), migration("80-", "FAILED"))
    CANCEL.check(vt)
    assert [str(each) for each in CANCEL.change(vt)] == [
        f'CancelSchemaMigration {{"keyspace":"commerce","uuid":"{UUID}"}}'
    ]
    assert "the 196 rows that it has copied" in CANCEL.cost(vt)


def test_one_that_has_ended_is_refused():
    with pytest.raises(Refused, match="has ended; there is nothing to cancel"):
        CANCEL.check(migrations(migration(status="FAILED"), migration("80-", "CANCELLED")))


def test_one_that_is_complete_on_a_shard_is_refused_as_the_shards_would_differ():
    with pytest.raises(Refused, match="the shards with different tables"):
        CANCEL.check(migrations(migration(status="COMPLETE"), migration("80-")))


def test_it_is_good_once_it_is_cancelled_everywhere():
    assert CANCEL.verify(migrations(migration(status="CANCELLED"), migration("80-", "FAILED"))).ok
    early = CANCEL.verify(migrations(migration(status="CANCELLED"), migration("80-")))
    assert (early.ok, early.settled) == (False, False)
    late = CANCEL.verify(migrations(migration(status="CANCELLED"), migration("80-", "COMPLETE")))
    assert (late.ok, late.settled) == (False, True)


def test_it_cannot_be_undone():
    with pytest.raises(NoUndo, match=f"ALTER VITESS_MIGRATION '{UUID}' RETRY"):
        list(CANCEL.undo(migrations(migration())))


@pytest.mark.vitess
def test_on_a_real_cluster_one_that_runs_is_cancelled(hands: Hands):
    uuid = hands.migrate("alter table customer add column cancelled int", "--postpone-completion")
    cancel = CancelMigration(uuid)
    hands.until(uuid, lambda one: one.status == "RUNNING")
    hands.check(cancel)
    hands.make(cancel)
    assert hands.verify(cancel).ok
    with pytest.raises(Refused, match="has ended"):
        hands.check(cancel)
