"""The sessions that a fault needs, held open until SIGTERM.

Run as `python -m bot.lab.fault_session FOLDER KIND INSTANCE`; `bot.lab.faults` starts it as a process of the lab, and
asks the server itself whether the fault is in place.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

import pymysql
from pymysql.connections import Connection
from pymysql.cursors import DictCursor

from bot.lab.client import administrator, ask, session, wait_until
from bot.lab.replication import TABLE
from bot.lab.state import LabInstance, LabState, read

HELD_ROW = 1
WAITERS = 3
TOO_MANY_CONNECTIONS = 1040

Sessions: TypeAlias = "list[Connection[DictCursor]]"  # pymysql's classes take no parameters at run time


def connections(state: LabState, instance: LabInstance) -> Sessions:
    """Takes every connection that the server has with idle sessions of the application, as a pool does that leaks."""
    held: Sessions = []

    def fill() -> None:
        while True:
            try:
                held.append(session(state, instance, "app"))
            except pymysql.err.OperationalError as error:
                if error.args[0] != TOO_MANY_CONNECTIONS:
                    raise
                return

    with ThreadPoolExecutor(max_workers=4) as pool:
        for filled in [pool.submit(fill) for _ in range(4)]:
            filled.result()
    return held


def row_locks(state: LabState, instance: LabInstance) -> Sessions:
    """Updates a row, leaves the transaction open and idle, and lets writers wait for the row."""
    holder = session(state, instance, "app")
    table = TABLE[instance.shard]
    holder.begin()
    ask(holder, f"UPDATE {table} SET status = 'held' WHERE id = %s", (HELD_ROW,))  # noqa: S608 # the lab's own table
    write = f"UPDATE {table} SET status = 'paid' WHERE id = %s"  # noqa: S608 # the lab's own table
    for _ in range(WAITERS):
        _in_background(state, instance, "app", write, (HELD_ROW,))
    return [holder]


def metadata_locks(state: LabState, instance: LabInstance) -> Sessions:
    """Reads a table in a transaction left open and idle; an ALTER waits for it, and readers queue behind the ALTER."""
    holder = session(state, instance, "app")
    table = TABLE[instance.shard]
    holder.begin()
    ask(holder, f"SELECT COUNT(*) FROM {table}")  # noqa: S608 # the lab's own table
    alter = f"ALTER TABLE {table} ALTER COLUMN status SET DEFAULT 'new'"
    _in_background(state, instance, "deploy", alter)
    wait_until("the ALTER waits for the reader", lambda: waiting_for_metadata(instance) > 0)
    for _ in range(WAITERS):
        _in_background(state, instance, "app", f"SELECT COUNT(*) FROM {table}")  # noqa: S608 # the lab's own table
    return [holder]


def waiting_for_metadata(instance: LabInstance) -> int:
    """Returns how many sessions of the server wait for a metadata lock."""
    with administrator(instance) as admin:
        rows = ask(admin, "SHOW PROCESSLIST")
    return sum(row["State"] == "Waiting for table metadata lock" for row in rows)


def replica_rows(state: LabState, instance: LabInstance) -> Sessions:
    """Locks the rows that the applier of a replica needs, as a report does that reads them in share mode."""
    holder = session(state, instance, "reports")
    lock_heartbeat(holder)
    return [holder]


def lock_heartbeat(holder: Connection[DictCursor]) -> None:
    """Opens a transaction that keeps the applier from writing; a replica that is read-only allows this lock alone."""
    holder.begin()
    ask(holder, "SELECT * FROM heartbeat LOCK IN SHARE MODE")


KINDS: dict[str, Callable[[LabState, LabInstance], Sessions]] = {
    "connections": connections,
    "row_locks": row_locks,
    "metadata_locks": metadata_locks,
    "replica_rows": replica_rows,
}


def _in_background(
    state: LabState, instance: LabInstance, user: str, sql: str, values: tuple[object, ...] = ()
) -> None:
    """Runs a statement that waits, and again when its wait times out or somebody kills it, as an application does."""

    def run() -> None:
        done = False
        while not done:
            try:
                connection = session(state, instance, user)
                ask(connection, sql, values)
                connection.close()
                done = True
            except pymysql.err.MySQLError as error:
                sys.stderr.write(f"{sql}: {error}\n")
                pause.wait(0.5)

    pause = threading.Event()
    threading.Thread(target=run, daemon=True).start()


def main() -> None:
    """Puts one fault in place and holds it until SIGTERM."""
    folder, kind, name = sys.argv[1:4]
    state = read(Path(folder))
    if state is None:
        raise SystemExit(f"no lab is up in {folder}")
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    held = KINDS[kind](state, state.instance(name))
    while not ended.wait(0.5):
        pass
    for connection in held:
        if connection.open:
            connection.close()


if __name__ == "__main__":
    main()
