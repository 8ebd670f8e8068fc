"""A light application load through vtgate: a few reads and writes per second until SIGTERM.

Run as `python -m bot.lab.vitess.application_load FOLDER`. It continues after every error, and writes its counts to a
file. It also reads from the replicas, because a vttablet without queries does not notice that its mysqld is gone.
"""

from __future__ import annotations

import json
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import pymysql
from pymysql.connections import Connection
from pymysql.cursors import DictCursor

from bot.lab.connections import ask, connect
from bot.lab.lab_state import LabState, Login, read
from bot.lab.vitess.application_schema import CUSTOMERS

NAME = "load-vtgate"
PAUSE = 0.2
"""Seconds between two rounds of a client."""
STATEMENT_TIMEOUT = 30.0
"""Seconds for a statement; longer than vtgate buffers."""
KEPT = 20_000
"""Orders kept in the table; older ones are deleted."""


@dataclass
class LoadCounts:
    """What the load has done since the lab was started; times in seconds."""

    reads: int = 0
    """From primaries."""
    writes: int = 0
    replica_reads: int = 0
    errors: int = 0
    replica_errors: int = 0
    """The errors of reads from replicas, which are also counted in `errors`."""
    last_error: str = ""
    last_error_at: float = 0.0
    last_write_at: float = 0.0
    longest: float = 0.0
    """The duration of the slowest statement, successful or not."""


def load_counts(folder: Path) -> LoadCounts:
    """Returns the counts of the load of the lab in the folder; zeros before it starts."""
    try:
        document = json.loads(_file(folder).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return LoadCounts()
    return LoadCounts(**{each.name: document[each.name] for each in fields(LoadCounts)})


class ApplicationLoad:
    """The application's two clients: one writes and reads on primaries, one reads on replicas."""

    def __init__(self, state: LabState) -> None:
        assert state.vitess is not None
        host, _, port = state.vitess.vtgate_mysql.rpartition(":")
        self._where = (host, int(port), Login("app", ""))
        self._keyspace = state.vitess.keyspace
        self._folder = state.folder
        self._counts = load_counts(state.folder)
        self._lock = threading.Lock()
        self._order = time.time_ns() // 1000

    def run(self, stop: threading.Event) -> list[threading.Thread]:
        """Starts both clients, which run until `stop` is set."""
        clients = ((self._keyspace, self._write), (f"{self._keyspace}@replica", self._read))
        threads = [threading.Thread(target=self._client, args=(stop, *each), daemon=True) for each in clients]
        for thread in threads:
            thread.start()
        return threads

    def _client(self, stop: threading.Event, target: str, work: Callable[[Connection[DictCursor]], None]) -> None:
        """Works on a connection, and reconnects after an error."""
        while not stop.wait(PAUSE):
            try:
                with connect(*self._where, target, timeout=STATEMENT_TIMEOUT) as connection:
                    while not stop.wait(PAUSE):
                        work(connection)
            except (pymysql.err.MySQLError, OSError) as error:
                self._failed(error, replica=target.endswith("@replica"))

    def _write(self, connection: Connection[DictCursor]) -> None:
        customer = random.randint(1, CUSTOMERS)
        self._order += 1
        order = (self._order, customer, random.randint(100, 90_000))
        self._ask(
            connection,
            "INSERT INTO orders (order_id, customer_id, status, total_cents) VALUES (%s, %s, 'new', %s)",
            order,
        )
        self._ask(connection, "UPDATE customer SET visits = visits + 1 WHERE customer_id = %s", (customer,))
        self._ask(connection, "SELECT COUNT(*) AS orders FROM orders WHERE customer_id = %s", (customer,))
        with self._lock:
            self._counts.writes += 2
            self._counts.reads += 1
            self._counts.last_write_at = time.time()
            self._save()
        if self._order % 500 == 0:
            self._ask(connection, "DELETE FROM orders WHERE order_id < %s", (self._order - KEPT,))

    def _read(self, connection: Connection[DictCursor]) -> None:
        customer = random.randint(1, CUSTOMERS)
        self._ask(connection, "SELECT customer_id, visits FROM customer WHERE customer_id = %s", (customer,))
        with self._lock:
            self._counts.replica_reads += 1

    def _ask(self, connection: Connection[DictCursor], sql: str, values: tuple[object, ...]) -> None:
        began = time.monotonic()
        try:
            ask(connection, sql, values)
        finally:
            with self._lock:
                self._counts.longest = round(max(self._counts.longest, time.monotonic() - began), 3)

    def _failed(self, error: Exception, *, replica: bool) -> None:
        sys.stderr.write(f"{error}\n")
        with self._lock:
            self._counts.errors += 1
            self._counts.replica_errors += replica
            self._counts.last_error = str(error)[:400]
            self._counts.last_error_at = time.time()
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
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    threads = ApplicationLoad(state).run(stop)
    while all(thread.is_alive() for thread in threads) and not stop.wait(0.5):
        pass


if __name__ == "__main__":
    main()
