"""How the schema migrations of a keyspace go, and what holds up one that cannot cut over."""

from __future__ import annotations

import pytest

from actions.contract import Refused, Unreadable
from actions.diagnostics.vitess.schema_migrations import migration_by_uuid, migration_title, schema_migrations
from tests.recorded_vitess import RecordedVitess
from tests.recorded_vtctld_answers import HOLDS, UUID, ago, held_up, migration, migrations

DUPLICATE = (
    "vreplication: terminal error: task error: failed inserting rows: Duplicate entry 'ann@example.org' for key "
    "'_vt_vrp_e060.uq' (errno 1062) (sqlstate 23000) during query: insert into _vt_vrp_e060 values ('ann@example.org')"
)


def test_one_that_is_held_up_is_told_with_who_holds_its_table():
    found = schema_migrations(migrations(held_up(), migration("80-", "COMPLETE", message="failed locking tables")))
    one, other = found.migrations
    assert (one.shard, one.status, one.blocked, one.attempts, one.stage) == (
        "-80",
        "RUNNING",
        True,
        2,
        "locking tables",
    )
    assert 99 <= one.ready_for < 110
    assert one.message.startswith("failed locking tables")
    [holder] = found.holders
    assert (holder.tablet, holder.thread_id, holder.user, holder.started, holder.idle, holder.through_vtgate) == (
        "zone1-0000000100",
        45,
        "vt_app",
        "2026-11-26 01:51:20",
        True,
        True,
    )
    assert (holder.lock, holder.age, holder.rows_modified, holder.protected) == ("SHARED_WRITE", 25.0, 2, "")
    # What is complete keeps the message of an attempt that failed.
    assert (other.status, other.message, other.blocked, other.holders) == ("COMPLETE", "", False, ())


def test_one_that_tries_to_cut_over_for_the_first_time_is_not_held_up_yet():
    assert schema_migrations(migrations(held_up(cutover_attempts=1, message=""))).blocked == ()
    assert len(schema_migrations(migrations(held_up(cutover_attempts=1))).blocked) == 1


def test_the_statement_is_told_without_its_values():
    [one] = schema_migrations(migrations(migration())).migrations
    assert one.statement == "alter table customer add column note1 varchar(?) default ?"


def test_a_session_of_vitess_itself_is_no_client_and_never_ended():
    filtered = {**HOLDS, "user": "vt_filtered", "id": 46}
    found = schema_migrations(migrations(held_up(), holders=(filtered,)))
    [holder] = found.holders
    assert not holder.through_vtgate
    assert "protected" in holder.protected


def test_for_what_is_not_held_up_nobody_s_locks_are_read():
    vt = migrations(migration(), migration("80-", "QUEUED"), holders=Unreadable("not to be asked"))
    found = schema_migrations(vt)
    assert (len(found.running), len(found.pending), found.blocked, found.missing) == (1, 1, (), ())


def test_a_postponed_one_waits_for_a_person_and_is_not_held_up():
    found = schema_migrations(migrations(held_up(postpone_completion=True, cutover_attempts=0)))
    assert [one.postponed for one in found.postponed] == [True]
    assert found.blocked == ()


def test_a_failed_one_is_told_without_the_row_that_it_failed_of():
    [one] = schema_migrations(migrations(migration(status="FAILED", message=DUPLICATE))).failed
    assert one.message == (
        "vreplication: terminal error: task error: failed inserting rows: Duplicate entry '?' for key "
        "'_vt_vrp_e060.uq' (errno 1062) (sqlstate 23000)"
    )


def test_one_that_waits_for_the_throttler_is_told_with_the_reason():
    held = migration(last_throttled_at=ago(2), component_throttled="vcopier", progress=40.0, eta_seconds="90")
    shows = {"LIKE 'running'": [{"migration_uuid": UUID, "reason_throttled": "online-ddl is explicitly denied access"}]}
    found = schema_migrations(migrations(held, shows=shows))
    [one] = found.throttled
    assert (one.throttled_by, one.reason_throttled, one.progress, one.eta) == (
        "vcopier",
        "online-ddl is explicitly denied access",
        40.0,
        90.0,
    )
    before = migration(last_throttled_at=ago(600), component_throttled="vcopier")
    assert schema_migrations(migrations(before)).throttled == ()


def test_one_that_is_complete_here_and_cancelled_there_is_uneven():
    found = schema_migrations(migrations(migration(status="COMPLETE"), migration("80-", "CANCELLED")))
    assert found.uneven == (UUID,)


def test_what_runs_comes_first_then_what_waits_then_the_latest():
    old, new = migration("a", "FAILED", requested_at=ago(900)), migration("b", "COMPLETE", requested_at=ago(60))
    found = schema_migrations(migrations(old, new, migration("c", "QUEUED"), migration("d")))
    assert [one.shard for one in found.migrations] == ["d", "c", "b", "a"]


def test_the_latest_and_all_that_run_are_asked_for_and_each_is_told_once():
    vt = migrations(migration())
    assert len(schema_migrations(vt).migrations) == 1
    assert [request for name, request in vt.called if name == "GetSchemaMigrations"] == [
        {"keyspace": "commerce", "order": "DESCENDING", "limit": 50},
        {"keyspace": "commerce", "status": "RUNNING"},
    ]


def test_a_server_that_cannot_be_read_is_missing_and_the_migration_is_returned():
    found = schema_migrations(migrations(held_up(), holders=Unreadable("SELECT command denied")))
    assert [one.holders for one in found.blocked] == [()]
    assert found.missing == (
        "The sessions that hold customer of commerce/-80 could not be read: SELECT command denied",
    )


def test_a_shard_without_a_primary_is_missing():
    found = schema_migrations(migrations(held_up("40-")))
    assert found.missing == (
        "The sessions that hold customer of commerce/40- are unknown, because the shard has no primary.",
    )


def test_where_vtctld_is_away_it_is_unreadable():
    with pytest.raises(Unreadable, match="The migrations of commerce could not be read"):
        schema_migrations(RecordedVitess())


def test_one_migration_is_found_by_its_uuid_or_refused():
    found = migration_by_uuid(migrations(migration(), migration("80-", "COMPLETE")), UUID)
    assert migration_title(found) == "alter of customer (-80 RUNNING, 80- COMPLETE)"
    for uuid in ("e060", UUID):
        with pytest.raises(Refused, match=f"no schema migration '{uuid}'"):
            migration_by_uuid(migrations(), uuid)
