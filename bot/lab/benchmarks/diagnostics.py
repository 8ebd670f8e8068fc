"""Measures every diagnostic of MySQL on servers with many tables, sessions, waiters, binary logs and digests.

The servers are restarted after they were filled, so that tables and files are closed. For each diagnostic, the table
has its time without its own pauses, the rows that it read, and how many tables and InnoDB files the server opened for
it. The lab's own load and exporters run meanwhile, and open some tables of performance_schema.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import pymysql
from pymysql.connections import Connection
from pymysql.constants import COMMAND
from pymysql.cursors import DictCursor

from actions.catalog import DIAGNOSTICS
from actions.contract import MySQL, Row, Seconds, ServerVersion, Unreadable
from bot.errors import FirstmateError
from bot.fleet.mysql_connections import Server
from bot.fleet.mysql_sessions import MySQLReader, open_reader
from bot.lab import processes
from bot.lab.connections import administrator, ask, connect
from bot.lab.database_users import READER
from bot.lab.lab_state import LabInstance, LabState, Login
from bot.lab.lab_up_and_down import bring_up, tear_down
from bot.lab.progress import NoProgress, ProgressBar, Reporter
from bot.lab.server_data_directories import prepare_restart
from bot.lab.waiting import log_of, wait_until
from bot.runbook.language.signatures import of_diagnostic

SERVERS = ("orders-1", "billing-1")
MOST_SECONDS = 2.0
"""The goal for each diagnostic, printed with the figures."""
OPENED = ("Opened_tables", "Innodb_num_open_files")
WANTS = "UPDATE many.wanted SET n = 3 WHERE id = 1"
HEADER = f"{'diagnostic':<36}{'server':<10}{'seconds':>8}{'rows':>7}{'tables':>8}{'files':>7}\n"


@dataclass(frozen=True, slots=True)
class Scale:
    """How much the servers have."""

    tables: int = 500
    sessions: int = 500
    waiters: int = 200
    logs: int = 1100
    digests: int = 4000


@dataclass(frozen=True, slots=True)
class Figure:
    """What one diagnostic cost on one server."""

    diagnostic: str
    server: str
    seconds: float
    rows: int
    tables: int
    """Tables that the server opened meanwhile."""
    files: int
    """InnoDB files that it opened meanwhile."""
    error: str = ""


class Metered:
    """Implements actions.contract.MySQL: a reader that counts rows, and the time of pauses."""

    def __init__(self, reader: MySQLReader) -> None:
        self._reader = reader
        self.read = 0
        self.paused = 0.0

    @property
    def version(self) -> ServerVersion:
        return self._reader.version

    @property
    def address(self) -> str:
        return self._reader.address

    def rows(self, sql: str, params: Sequence[object] = (), *, limit: int = 200, costly: bool = False) -> list[Row]:
        """Reads, and counts the rows."""
        found = self._reader.rows(sql, params, limit=limit, costly=costly)
        self.read += len(found)
        return found

    def pause(self, seconds: Seconds) -> None:
        """Waits, and counts the time."""
        self.paused += seconds
        self._reader.pause(seconds)


def fill(instance: LabInstance, scale: Scale) -> None:
    """Creates the tables and the binary logs; none of it reaches the replicas."""
    with administrator(instance) as admin:
        ask(admin, "SET SESSION sql_log_bin=0")
        ask(admin, "CREATE DATABASE IF NOT EXISTS many")
        for number in range(scale.tables):
            ask(admin, f"CREATE TABLE many.t{number} (id INT AUTO_INCREMENT PRIMARY KEY, n INT)")
        for _ in range(scale.logs):
            ask(admin, "FLUSH BINARY LOGS")


def restart(state: LabState, instance: LabInstance) -> None:
    """Restarts a server, after which no table is open."""
    pid = state.folder / "data" / instance.name / "server.pid"
    with administrator(instance) as admin:
        ask(admin, "SHUTDOWN")
    wait_until(f"{instance.name} has ended", lambda: not pid.exists(), 60, log=log_of(state, instance.name))
    processes.start(state.folder, state.marker, instance.name, prepare_restart(state.folder, instance.name))
    wait_until(f"{instance.name} answers", lambda: _answers(instance), 60, log=log_of(state, instance.name))


def _answers(instance: LabInstance) -> bool:
    try:
        with administrator(instance) as admin:
            return bool(ask(admin, "SELECT 1 AS up"))
    except (pymysql.MySQLError, OSError):
        return False


@contextmanager
def crowd(instance: LabInstance, scale: Scale) -> Iterator[None]:
    """Opens idle sessions, sessions that wait for one row, and runs statements of as many kinds as digests."""
    login = Login(instance.user, instance.password)
    opened: list[Connection[DictCursor]] = []
    try:
        with administrator(instance) as admin:
            ask(admin, f"SET GLOBAL max_connections={scale.sessions + scale.waiters + 100}")
            ask(admin, "SET GLOBAL innodb_lock_wait_timeout=600")
            ask(admin, "CREATE TABLE IF NOT EXISTS many.wanted (id INT PRIMARY KEY, n INT)")
            ask(admin, "REPLACE INTO many.wanted VALUES (1, 1)")
        for _ in range(scale.sessions + scale.waiters + 1):
            opened.append(connect(instance.host, instance.port, login))
        holder, waiters = opened[0], opened[1 : scale.waiters + 1]
        for number in range(scale.digests):
            ask(holder, f"SELECT 1 AS kind_{number}")
        ask(holder, "BEGIN")
        ask(holder, "UPDATE many.wanted SET n = 2 WHERE id = 1")
        for waiter in waiters:
            # The answer is not awaited: it comes when the row is free.
            waiter._execute_command(COMMAND.COM_QUERY, WANTS)  # type: ignore[attr-defined]
        yield
    finally:
        for each in opened:
            each.close()


def measure(state: LabState, instance: LabInstance) -> Iterator[Figure]:
    """Runs every diagnostic that reads MySQL and needs no parameter, on a connection of its own."""
    login = state.users[READER]
    server = Server(instance.host, instance.port, login.user, login.password, instance.spare_port)
    for name, diagnostic in DIAGNOSTICS.items():
        if diagnostic.reader is not MySQL or of_diagnostic(name).required:
            continue
        with administrator(instance) as admin, open_reader(server) as reader:
            _opened(admin)  # opens the tables of the counters themselves
            before, metered, error = _opened(admin), Metered(reader), ""
            began = time.monotonic()
            try:
                diagnostic(metered)
            except Unreadable as refused:
                error = str(refused)
            seconds = time.monotonic() - began - metered.paused
            tables, files = (now - then for now, then in zip(_opened(admin), before, strict=True))
        yield Figure(name, instance.name, round(seconds, 3), metered.read, tables, max(0, files), error)


def _opened(admin: Connection[DictCursor]) -> tuple[int, ...]:
    found = ask(admin, f"SHOW GLOBAL STATUS WHERE Variable_name IN {OPENED}")
    return tuple(int(next(row["Value"] for row in found if row["Variable_name"] == name)) for name in OPENED)


def run(scale: Scale, reporter: Reporter) -> list[Figure]:
    """Brings up a lab of its own, fills and restarts a primary of each flavour, and measures on both."""
    folder = Path(tempfile.mkdtemp(prefix="firstmate-bench-"))
    figures: list[Figure] = []
    try:
        state = bring_up(folder, progress=reporter, scrape_seconds=30)
        for name in SERVERS:
            instance = state.instance(name)
            reporter.step(f"Filling {name}")
            fill(instance, scale)
            restart(state, instance)
            reporter.step(f"Measuring on {name}")
            with crowd(instance, scale):
                figures += measure(state, instance)
    finally:
        tear_down(folder)
    return figures


def _table(scale: Scale, figures: Sequence[Figure]) -> str:
    slow = [f"{each.diagnostic} on {each.server}" for each in figures if each.seconds > MOST_SECONDS]
    lines = "".join(
        f"{each.diagnostic:<36}{each.server:<10}{each.seconds:>8.3f}{each.rows:>7}{each.tables:>8}{each.files:>7}"
        f"{'  ' + each.error[:80] if each.error else ''}\n"
        for each in figures
    )
    return (
        f"{scale.tables} tables, {scale.sessions} idle sessions, {scale.waiters} waiters, {scale.logs} binary logs, "
        f"{scale.digests} digests\n{HEADER}{lines}"
        f"goal: at most {MOST_SECONDS:g} s each; above it: {', '.join(slow) or 'none'}\n"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark; returns 0 when it completed, whatever the figures."""
    parser = argparse.ArgumentParser(prog="python -m bot.lab.benchmarks.diagnostics", description=__doc__)
    for name, default in asdict(Scale()).items():
        parser.add_argument(
            f"--{name}", type=int, default=default, metavar="N", help=f"number of {name} (default: {default})"
        )
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args(arguments)
    scale = Scale(given.tables, given.sessions, given.waiters, given.logs, given.digests)
    reporter = NoProgress() if given.json else ProgressBar()
    try:
        with reporter if isinstance(reporter, ProgressBar) else nullcontext():
            figures = run(scale, reporter)
    except FirstmateError as error:
        sys.stderr.write(f"bench: {error}\n")
        return int(error.exit_code)
    if given.json:
        sys.stdout.write(json.dumps({"scale": asdict(scale), "figures": [asdict(each) for each in figures]}) + "\n")
    else:
        sys.stdout.write(_table(scale, figures))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
