"""Servers without performance_schema, as MariaDB is by default: what is not recorded is unknown, never absent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from actions.contract import Unreadable
from actions.diagnostics.mysql.access_errors import access_errors
from actions.diagnostics.mysql.applier_workers import applier_workers
from actions.diagnostics.mysql.error_log import error_log
from actions.diagnostics.mysql.long_queries import long_queries
from actions.diagnostics.mysql.processlist_summary import processlist_summary
from actions.diagnostics.mysql.server_kind import server_kind
from actions.diagnostics.mysql.statement_digests import statement_digests
from actions.diagnostics.mysql.wait_graph import wait_graph
from actions.server_versions import processlist
from bot.lab import processes
from bot.lab.lab_state import LabInstance, LabState
from bot.lab.replication import answers, replicates
from bot.lab.server_data_directories import prepare_restart
from bot.lab.waiting import wait_until
from tests.actions.hands import reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, Recorded

BLIND_MYSQL, BLIND_MARIADB = (replace(each, performance_schema=False) for each in (MYSQL_97, MARIADB_1011))


def restart(lab: LabState, instance: LabInstance, *options: str) -> None:
    processes.stop(lab.folder, lab.marker, [instance.name])
    processes.start(lab.folder, lab.marker, instance.name, [*prepare_restart(lab.folder, instance.name), *options])
    wait_until(f"{instance.name} answers", lambda: answers(instance), 60)
    wait_until(f"{instance.name} replicates", lambda: replicates(instance), 60)


@pytest.fixture
def blind(notes: LabState, replica: LabInstance) -> Iterator[LabInstance]:
    """A replica of each flavour that was started without performance_schema."""
    writable = {"mysql": ("--super-read-only=OFF", "--read-only=OFF"), "mariadb": ("--read-only=OFF",)}
    restart(notes, replica, "--performance-schema=OFF", *writable[replica.flavour])  # for locks of clients
    try:
        yield replica
    finally:
        restart(notes, replica)


@pytest.mark.lab
def test_sessions_are_seen_and_what_is_not_recorded_is_unknown(notes, blind, client):
    sleeper = client(blind)
    holder, waiter = client(blind), client(blind)
    holder.ask("BEGIN")
    holder.ask("SELECT id FROM notes WHERE id = 1 FOR UPDATE")
    sleeper.runs("SELECT SLEEP(60)")
    waiter.runs("SELECT id FROM notes WHERE id = 1 FOR UPDATE")

    def seen() -> bool:
        with reader(notes, blind) as db:
            return wait_graph(db).waiting > 0 and len(long_queries(db, older_than=1.0).queries) > 1

    wait_until("the waiter waits", seen)
    with reader(notes, blind) as db:
        assert not db.version.performance_schema
        graph, kind, listed = wait_graph(db), server_kind(db), processlist_summary(db)
        recorded = (error_log(db).known, statement_digests(db).known, access_errors(db).known)
    assert recorded == (False, False, False)
    assert (kind.kind, kind.channels) == ("replica", 1)
    assert listed.running >= 2
    assert graph.waiting == 1
    if blind.flavour == "mysql":
        assert graph.holders == ()
        assert holder.id in {each.thread_id for each in graph.suspects}
        assert not graph.complete
    else:
        assert [each.thread_id for each in graph.holders] == [holder.id]


def test_the_process_list_of_information_schema_is_read():
    assert processlist(BLIND_MYSQL) == "information_schema.PROCESSLIST"
    assert processlist(MYSQL_97) == "performance_schema.processlist"
    assert processlist(MYSQL_57) == processlist(BLIND_MARIADB) == "information_schema.PROCESSLIST"


def test_parallel_workers_of_mariadb_are_unknown_and_not_absent():
    threads = {"slave_parallel_threads AS threads": [{"threads": 4}]}
    with pytest.raises(Unreadable, match="The 4 parallel workers of db7:3306 are unknown"):
        applier_workers(Recorded(BLIND_MARIADB, threads))
    single = {"slave_parallel_threads AS threads": [{"threads": 0}], "by_worker": []}
    assert not applier_workers(Recorded(BLIND_MARIADB, single)).known


def test_an_empty_error_log_is_not_a_quiet_one():
    assert not error_log(Recorded(BLIND_MYSQL, {})).known
