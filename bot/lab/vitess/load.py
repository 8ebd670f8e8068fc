"""A little application load through vtgate: a few reads and writes per second, for ever, until it is told to end.

Run as `python -m bot.lab.vitess.load FOLDER`. It goes on whatever it is answered, and keeps its counts in a file.
"""

from __future__ import annotations

import json
import random
import signal
import sys
import threading
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import pymysql
from pymysql.connections import Connection
from pymysql.cursors import DictCursor

from bot.lab.client import ask, connect
from bot.lab.state import LabState, Login, read
from bot.lab.vitess.schema import CUSTOMERS

NAME = "load-vtgate"
PAUSE = 0.2
"""Seconds between two rounds of one write and two reads."""
PATIENCE = 30.0
"""Seconds that a statement may take: longer than vtgate buffers."""
KEPT = 20_000
"""Orders that are kept; older ones are deleted."""


@dataclass
class Counts:
    """What the load did since the lab came up; times in seconds."""

    reads: int = 0
    writes: int = 0
    errors: int = 0
    last_error: str = ""
    last_error_at: float = 0.0
    last_write_at: float = 0.0
    longest: float = 0.0
    """The longest that a statement took, one that failed too."""


def statistics(folder: Path) -> Counts:
    """Returns what the load of the lab in the folder did; zeros when it has not begun."""
    try:
        document = json.loads(_file(folder).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Counts()
    return Counts(**{each.name: document[each.name] for each in fields(Counts)})


class Load:
    """The one client of the application; it takes a new connection where the old one is gone."""

    def __init__(self, state: LabState) -> None:
        assert state.vitess is not None
        host, _, port = state.vitess.vtgate_mysql.rpartition(":")
        self._where = (host, int(port), Login("app", ""), state.vitess.keyspace)
        self._folder = state.folder
        self._counts = statistics(state.folder)
        self._order = time.time_ns() // 1000

    def run(self, stop: threading.Event) -> None:
        """Reads and writes until `stop` is set."""
        while not stop.is_set():
            try:
                connection = connect(*self._where, patience=PATIENCE)
            except (pymysql.err.MySQLError, OSError) as error:
                self._failed(error)
                stop.wait(1.0)
                continue
            try:
                while not stop.wait(PAUSE):
                    self._round(connection)
            except (pymysql.err.MySQLError, OSError) as error:
                self._failed(error)
                # Not at once: what refuses now refuses a millisecond later too.
                stop.wait(PAUSE)
            finally:
                if connection.open:
                    connection.close()

    def _round(self, connection: Connection[DictCursor]) -> None:
        customer = random.randint(1, CUSTOMERS)
        self._order += 1
        self._ask(
            connection,
            "INSERT INTO orders (order_id, customer_id, status, total_cents) VALUES (%s, %s, 'new', %s)",
            (self._order, customer, random.randint(100, 90_000)),
        )
        self._counts.last_write_at = time.time()
        self._ask(connection, "UPDATE customer SET visits = visits + 1 WHERE customer_id = %s", (customer,))
        self._counts.writes += 2
        self._ask(connection, "SELECT COUNT(*) AS orders FROM orders WHERE customer_id = %s", (customer,))
        self._ask(connection, "SELECT customer_id, visits FROM customer WHERE customer_id = %s", (customer,))
        self._counts.reads += 2
        if self._counts.writes % 1000 == 0:
            self._ask(connection, "DELETE FROM orders WHERE order_id < %s", (self._order - KEPT,))
        self._save()

    def _ask(self, connection: Connection[DictCursor], sql: str, values: tuple[object, ...]) -> None:
        began = time.monotonic()
        try:
            ask(connection, sql, values)
        finally:
            self._counts.longest = round(max(self._counts.longest, time.monotonic() - began), 3)

    def _failed(self, error: Exception) -> None:
        self._counts.errors += 1
        self._counts.last_error = str(error)[:400]
        self._counts.last_error_at = time.time()
        sys.stderr.write(f"{error}\n")
        self._save()

    def _save(self) -> None:
        path = _file(self._folder)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(asdict(self._counts)), encoding="utf-8")
        part.rename(path)


def _file(folder: Path) -> Path:
    return folder / "run" / "load-vtgate.counts"


def main() -> None:
    """Runs the load until SIGTERM."""
    folder = Path(sys.argv[1])
    state = read(folder)
    if state is None:
        raise SystemExit(f"no lab is up in {folder}")
    stop = threading.Event()
    worker = threading.Thread(target=Load(state).run, args=(stop,), daemon=True)
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    worker.start()
    while worker.is_alive() and not stop.wait(0.5):
        pass


if __name__ == "__main__":
    main()
