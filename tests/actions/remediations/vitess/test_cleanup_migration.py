"""Drops what a schema migration that has ended left behind."""

from __future__ import annotations

import pytest

from actions.contract import NoUndo, Refused
from actions.remediations.vitess.cleanup_migration import CleanupMigration
from tests.actions.vitess_hands import Hands
from tests.recorded_vtctld_answers import UUID, ago, migration, migrations, stream, workflow

CLEAN = CleanupMigration(UUID)


def test_what_one_that_has_ended_keeps_is_dropped():
    vt = migrations(migration(status="COMPLETE"), migration("80-", "COMPLETE", artifacts=""))
    CLEAN.check(vt)
    assert [str(each) for each in CLEAN.change(vt)] == [
        f'CleanupSchemaMigration {{"keyspace":"commerce","uuid":"{UUID}"}}'
    ]
    assert "are dropped on -80: it can no longer be reverted." in CLEAN.cost(vt)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (migration(), "has not ended"),
        (migration(status="COMPLETE", artifacts=""), "keeps no tables; there"),
        (migration(status="COMPLETE", cleaned_up_at=ago(5)), "keeps no tables; there"),
    ],
)
def test_one_that_runs_or_keeps_nothing_is_refused(found, why):
    with pytest.raises(Refused, match=why):
        CLEAN.check(migrations(found))


@pytest.mark.parametrize("behind", [stream(4, "Error"), stream(4, behind=300), stream(4, "Copying")])
def test_it_waits_for_a_stream_that_reads_what_was_written_before(behind):
    vt = migrations(migration(status="COMPLETE"))
    vt.calls["GetWorkflows"] = {"workflows": [workflow("mat1", "Materialize", behind)]}
    with pytest.raises(Refused, match="Stream 4 of mat1 on -80"):
        CLEAN.check(vt)


def test_it_is_good_once_nothing_is_kept_anywhere():
    done = migration(status="COMPLETE", cleaned_up_at=ago(5))
    assert CLEAN.verify(migrations(done)).ok
    early = CLEAN.verify(migrations(done, migration("80-", "COMPLETE")))
    assert (early.ok, early.settled) == (False, False)


def test_it_cannot_be_undone():
    with pytest.raises(NoUndo):
        list(CLEAN.undo(migrations(migration(status="COMPLETE"))))


@pytest.mark.vitess
def test_on_a_real_cluster_the_tables_of_one_that_is_complete_are_dropped(hands: Hands):
    uuid = hands.migrate("alter table customer add column cleaned int")
    clean = CleanupMigration(uuid)
    with pytest.raises(Refused, match="has not ended"):
        hands.check(clean)
    hands.until(uuid, lambda one: one.status == "COMPLETE")
    hands.check(clean)
    hands.make(clean)
    assert hands.verify(clean).ok
    with pytest.raises(Refused, match="keeps no tables"):
        hands.check(clean)
