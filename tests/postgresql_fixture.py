"""A PostgreSQL server for the tests, from Debian's package: brought up once, gone when they end.

It runs as the user of the tests; PostgreSQL refuses root, so there it runs as the package's own user.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.lab.free_ports import free_ports
from bot.store.postgresql import PostgreSQLDatabase

SETTINGS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "listen_addresses=127.0.0.1",
    "jit=off",
    "autovacuum=off",
    "shared_buffers=32MB",
)
USERS = ("postgres", "nobody")
"""Who runs the server where the tests are root's."""


@dataclass(frozen=True)
class PostgreSQL:
    """A server of this session's own; anyone on this machine may connect, and it holds nothing."""

    process: subprocess.Popen[bytes]
    port: int

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://firstmate@127.0.0.1:{self.port}/{database}"

    def execute(self, *statements: str) -> None:
        engine = sa.create_engine(
            self.url().replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(sa.text(statement))
        engine.dispose()

    def fresh(self, name: str) -> str:
        """Makes a new database and returns its URL."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}"')
        return self.url(name)


def programs() -> Path | None:
    """The folder of initdb and postgres, of the newest version where there are several."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("postgres")
    return found[-1].parent if found else Path(on_path).resolve().parent if on_path else None


@contextmanager
def running(folder: Path) -> Iterator[PostgreSQL]:
    """A server from the programs of a folder, with a data directory that is gone afterwards."""
    user = None if os.geteuid() else next(name for name in USERS if _known(name))
    home = Path(tempfile.mkdtemp(prefix="firstmate-postgresql-", dir="/tmp"))
    if user is not None:
        shutil.chown(home, user)
    data = home / "data"
    initdb: list[str | Path] = [folder / "initdb", "--auth=trust", "--username=firstmate", "--encoding=UTF8"]
    initdb += ["--locale=C", "--no-sync", "--pgdata", data]
    subprocess.run(initdb, user=user, check=True, capture_output=True, cwd=home)
    port = free_ports(1)[0]
    options = [part for each in (*SETTINGS, f"unix_socket_directories={home}") for part in ("-c", each)]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [folder / "postgres", "-D", data, "-p", str(port), *options], user=user, stdout=log, stderr=log, cwd=home
        )
    server = PostgreSQL(process, port)
    try:
        _await(server, home / "log")
        yield server
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(10)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A running server; without its programs the tests that need it are skipped."""
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL is not installed")
    with running(folder) as server:
        yield server


@pytest.fixture(scope="session")
def store_url(postgresql: PostgreSQL, worker_id: str) -> str:
    """A database for the store of all tests of this worker; each test finds it empty."""
    url = postgresql.fresh(f"store_{worker_id}")
    database = PostgreSQLDatabase(url)
    database.create()
    database.close()
    return url


def _known(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _await(server: PostgreSQL, log: Path) -> None:
    """Returns when it accepts connections."""
    deadline = time.monotonic() + 30
    while True:
        try:
            server.execute("SELECT 1")
            return
        except sa.exc.OperationalError:
            if server.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(log.read_text(errors="replace")[-2000:]) from None
            time.sleep(0.05)
