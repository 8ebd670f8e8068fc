"""Tries a schema migration again that failed or was cancelled."""

from __future__ import annotations

import pytest

from actions.contract import Refused
from actions.remediations.vitess.cancel_migration import CancelMigration
from actions.remediations.vitess.retry_migration import RetryMigration
from tests.actions.vitess_hands import Hands
from tests.recorded_vtctld_answers import UUID, migration, migrations

RETRY = RetryMigration(UUID)
FIXED = RetryMigration(UUID, cause_fixed=True)
FAILED = migration(status="FAILED", message="terminal error: Duplicate entry 'ann' for key 'uq' (errno 1062)")


def test_one_that_was_cancelled_is_queued_again_and_cancelled_by_the_undo():
    vt = migrations(migration(status="CANCELLED", message="CANCEL issued by user"))
    RETRY.check(vt)
    request = f'{{"keyspace":"commerce","uuid":"{UUID}"}}'
    assert [str(each) for each in RETRY.change(vt)] == [f"RetrySchemaMigration {request}"]
    assert [str(each) for each in RETRY.undo(vt)] == [f"CancelSchemaMigration {request}"]
    assert "copied again on -80 (about 98 rows)" in RETRY.cost(vt)


def test_one_that_failed_for_a_reason_is_refused_until_that_is_mended():
    vt = migrations(FAILED, migration("80-", "COMPLETE"))
    with pytest.raises(Refused, match="failed on -80: terminal error: Duplicate entry"):
        RETRY.check(vt)
    FIXED.check(vt)


def test_one_that_failed_with_its_tablet_needs_no_mending():
    RETRY.check(migrations(migration(status="FAILED", message="tablet gone", tablet_failure=True)))


def test_one_that_did_not_fail_is_refused():
    with pytest.raises(Refused, match="neither failed nor was cancelled"):
        FIXED.check(migrations(migration(), migration("80-", "COMPLETE")))


def test_it_is_good_once_it_is_queued_everywhere():
    assert RETRY.verify(migrations(migration(status="QUEUED", retries="1"), migration("80-", "COMPLETE"))).ok
    early = RETRY.verify(migrations(migration(status="CANCELLED")))
    assert (early.ok, early.settled) == (False, False)
    again = RETRY.verify(migrations({**FAILED, "retries": "1"}))
    assert not again.ok
    assert "failed again on -80" in again.says


@pytest.mark.vitess
def test_on_a_real_cluster_one_that_failed_is_refused_and_tried_again_when_that_is_wanted(hands: Hands):
    uuid = hands.migrate("alter table orders add unique index one_status (status)")
    hands.until(uuid, lambda one: one.status == "FAILED")
    with pytest.raises(Refused, match="Duplicate entry"):
        hands.check(RetryMigration(uuid))
    retry = RetryMigration(uuid, cause_fixed=True)
    [undo] = hands.undo_of(retry)
    hands.make(retry)
    assert hands.verify(retry).ok
    hands.execute(undo)
    assert hands.verify(CancelMigration(uuid)).ok
