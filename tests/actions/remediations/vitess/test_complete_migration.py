"""Lets a schema migration cut over whose completion was postponed."""

from __future__ import annotations

from typing import Any

import pytest

from actions.contract import NoUndo, Refused
from actions.remediations.vitess.complete_migration import CompleteMigration
from tests.actions.vitess_hands import Hands
from tests.recorded_vtctld_answers import UUID, held_up, migration, migrations

COMPLETE = CompleteMigration(UUID)


def waits(shard: str = "-80", **more: Any) -> dict[str, Any]:
    return migration(shard, **{"postpone_completion": True, "ready_to_complete": True, **more})


def test_one_that_is_ready_everywhere_is_completed():
    vt = migrations(waits(), waits("80-"))
    COMPLETE.check(vt)
    assert [str(each) for each in COMPLETE.change(vt)] == [
        f'CompleteSchemaMigration {{"keyspace":"commerce","uuid":"{UUID}"}}'
    ]
    assert "alter table customer add column note1" in COMPLETE.cost(vt)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ((migration(status="COMPLETE"),), "is not running; there"),
        ((waits(), waits("80-", ready_to_complete=False, progress=40.0)), r"is not ready on 80- \(40 % done\)"),
        ((waits(), migration("80-", "QUEUED")), "is not ready on 80-"),
        ((held_up(),), "is not postponed"),
    ],
)
def test_one_that_does_not_wait_for_a_person_is_refused(found, why):
    with pytest.raises(Refused, match=why):
        COMPLETE.check(migrations(*found))


def test_it_is_good_once_it_is_complete_everywhere():
    assert COMPLETE.verify(migrations(migration(status="COMPLETE"), migration("80-", "COMPLETE"))).ok
    early = COMPLETE.verify(migrations(migration(status="COMPLETE"), waits("80-", message="failed locking tables")))
    assert (early.ok, early.settled) == (False, False)
    assert early.says.endswith("It is waiting on 80-: failed locking tables")
    failed = COMPLETE.verify(migrations(migration(status="FAILED", message="gone"), waits("80-")))
    assert (failed.ok, failed.settled) == (False, True)


def test_it_cannot_be_undone():
    with pytest.raises(NoUndo, match="REVERT VITESS_MIGRATION"):
        list(COMPLETE.undo(migrations(waits())))


@pytest.mark.vitess
def test_on_a_real_cluster_one_that_is_postponed_is_completed(hands: Hands):
    uuid = hands.migrate("alter table customer add column completed int", "--postpone-completion")
    complete = CompleteMigration(uuid)
    hands.until(uuid, lambda one: one.ready_to_complete)
    hands.check(complete)
    hands.make(complete)
    assert hands.verify(complete).ok
    with pytest.raises(Refused, match="is not running"):
        hands.check(complete)
