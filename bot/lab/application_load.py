"""A light application load on one primary: a few small transactions per second until SIGTERM.

Run as `python -m bot.lab.application_load FOLDER INSTANCE`.
"""

from __future__ import annotations

import random
import signal
import sys
import threading
from pathlib import Path

import pymysql
from pymysql.connections import Connection
from pymysql.cursors import DictCursor

from bot.lab.connections import ask, session
from bot.lab.lab_state import read
from bot.lab.replication import TABLE

PAUSE = 0.25
"""Seconds between two transactions."""
KEPT = 20_000
"""Rows kept in the table; older ones are deleted."""


def transaction(connection: Connection[DictCursor], table: str, count: int) -> None:
    """Inserts one order or invoice, marks another as paid, and updates the heartbeat."""
    customer = random.randint(1, 500)
    connection.begin()
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (customer_id, status, total_cents, created_at) VALUES (%s, 'new', %s, NOW(6))",  # noqa: S608
            (customer, random.randint(100, 90_000)),
        )
        newest = cursor.lastrowid
    ask(
        connection,
        f"UPDATE {table} SET status = 'paid' WHERE id = %s",  # noqa: S608 # the lab's own table
        (max(1, newest - random.randint(1, 50)),),
    )
    ask(connection, f"DELETE FROM {table} WHERE id < %s AND id > 100 LIMIT 10", (newest - KEPT,))  # noqa: S608
    ask(connection, "UPDATE heartbeat SET beat = NOW(6), beats = %s WHERE id = 1", (count,))
    connection.commit()


def run(folder: Path, name: str, stop: threading.Event) -> None:
    """Writes until `stop` is set; reconnects when the server or an operator ends the connection."""
    state = read(folder)
    if state is None:
        raise SystemExit(f"no lab is up in {folder}")
    instance = state.instance(name)
    count = 0
    while not stop.is_set():
        try:
            connection = session(state, instance, "app")
        except pymysql.err.MySQLError:
            stop.wait(1.0)
            continue
        try:
            while not stop.wait(PAUSE):
                count += 1
                transaction(connection, TABLE[instance.shard], count)
        except pymysql.err.MySQLError as error:
            sys.stderr.write(f"{name}: {error}\n")
        finally:
            if connection.open:
                connection.close()


def main() -> None:
    """Runs the load on one primary until SIGTERM."""
    stop = threading.Event()
    worker = threading.Thread(target=run, args=(Path(sys.argv[1]), sys.argv[2], stop), daemon=True)
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    worker.start()
    while worker.is_alive() and not stop.wait(0.5):
        pass


if __name__ == "__main__":
    main()
