"""Helpers for the lab's servers: read and change as Firstmate does, and be the session that is in the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pymysql

from actions import sessions
from actions.contract import Remediation, Verification
from actions.sessions import Session
from bot.engine.change_executor import Verifier
from bot.fleet.mysql_connections import Server
from bot.fleet.mysql_sessions import MySQLChanger, MySQLReader, open_changer, open_reader
from bot.lab.connections import administrator, ask, connect
from bot.lab.database_users import CHANGER, READER
from bot.lab.lab_state import LabInstance, LabState
from bot.lab.replication import replicates
from bot.lab.waiting import wait_until

RUN = "r-test"


@contextmanager
def reader(
    lab: LabState, instance: LabInstance, *, spare_port: int | None = None, **options: Any
) -> Iterator[MySQLReader]:
    """Reads as Firstmate's own user."""
    login = lab.users[READER]
    with open_reader(Server(instance.host, instance.port, login.user, login.password, spare_port), **options) as db:
        yield db


@contextmanager
def changer(lab: LabState, instance: LabInstance) -> Iterator[MySQLChanger]:
    """Changes as Firstmate's own user."""
    login = lab.users[CHANGER]
    with open_changer(Server(instance.host, instance.port, login.user, login.password)) as found:
        yield found


def check(lab: LabState, instance: LabInstance, remediation: Remediation) -> None:
    """Runs the remediation's own check; raises Refused."""
    with reader(lab, instance) as db:
        remediation.check(db)


def undo_of(lab: LabState, instance: LabInstance, remediation: Remediation) -> list[str]:
    """Returns the statements that would restore the present state."""
    with reader(lab, instance) as db:
        return [str(each) for each in remediation.undo(db)]


def make(lab: LabState, instance: LabInstance, remediation: Remediation) -> list[str]:
    """Makes the change and returns its statements."""
    made = []
    with changer(lab, instance) as hand:
        for statement in remediation.change(hand.reader):
            hand.execute(statement, tag=RUN)
            made.append(str(statement))
    return made


def verify(lab: LabState, instance: LabInstance, remediation: Remediation) -> Verification:
    """Returns the verification once it is settled."""

    def read(asked: Remediation) -> Verification:
        with reader(lab, instance) as db:
            return asked.verify(db)

    return Verifier(read, pause=0.2).verify(remediation)


def let_innodb_renew() -> None:
    """InnoDB renews INNODB_TRX only when nobody has read it for 0.1 s: who asks faster sees the old one for ever."""
    time.sleep(0.12)


def seen(
    lab: LabState, instance: LabInstance, thread_id: int, holds: Callable[[Session], bool] = lambda session: True
) -> Session:
    """Waits until the session is as expected, and returns it as the actions read it."""
    found: list[Session] = []

    def look() -> bool:
        let_innodb_renew()
        with reader(lab, instance) as db:
            session = sessions.read(db, thread_id)
        found[:] = [session] if session is not None and holds(session) else []
        return bool(found)

    wait_until(f"session {thread_id} of {instance.name} is as wanted", look)
    return found[0]


def administer(instance: LabInstance, *statements: str) -> None:
    """Runs statements as the server's administrator."""
    with administrator(instance) as admin:
        for statement in statements:
            ask(admin, statement)


def follow(replica: LabInstance, source: LabInstance) -> None:
    """Lets a replica follow another source, by its GTID position."""
    change = (
        f"CHANGE REPLICATION SOURCE TO SOURCE_HOST = '{source.host}', SOURCE_PORT = {source.port}"
        if replica.flavour == "mysql"
        else f"CHANGE MASTER TO MASTER_HOST = '{source.host}', MASTER_PORT = {source.port}, MASTER_USE_GTID = slave_pos"
    )
    administer(replica, "STOP REPLICA", change, "START REPLICA")
    wait_until(f"{replica.name} follows {source.name}", lambda: replicates(replica))


class Client:
    """One session of a user of the lab; `runs` lets it run a statement meanwhile."""

    def __init__(self, lab: LabState, instance: LabInstance, user: str = "app") -> None:
        self._connection = connect(instance.host, instance.port, lab.users[user], "shop")
        self._instance = instance
        self._thread: threading.Thread | None = None
        self.user = user
        self.id: int = self._connection.thread_id()
        self.error = 0

    def ask(self, sql: str) -> list[dict[str, Any]]:
        return ask(self._connection, sql)

    def begin(self) -> None:
        self._connection.begin()

    def runs(self, sql: str, *, until: str = "") -> None:
        """Starts a statement and returns once the server shows it, in a state that contains `until`."""
        self.starts(sql)
        self.shows(lambda row: row["Command"] != "Sleep" and until in (row["State"] or ""))

    def starts(self, sql: str) -> None:
        """Starts a statement and returns at once."""

        def run() -> None:
            try:
                ask(self._connection, sql)
            except pymysql.MySQLError as error:
                self.error = error.args[0]
            except (OSError, ValueError, AttributeError):
                self.error = -1  # the test closed the connection under it

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    def shows(self, holds: Callable[[dict[str, Any]], bool]) -> None:
        """Waits until this session's row of the process list is as wanted."""

        def shown() -> bool:
            with administrator(self._instance) as admin:
                return any(row["Id"] == self.id and holds(row) for row in ask(admin, "SHOW FULL PROCESSLIST"))

        wait_until(f"session {self.id} shows what is wanted", shown)

    def ends_with(self) -> int:
        """Returns the error number with which the statement ended; 0 for none."""
        assert self._thread is not None
        self._thread.join(60)
        assert not self._thread.is_alive(), "the statement still runs"
        return self.error

    def alive(self) -> bool:
        """Whether the server still has the session."""
        with administrator(self._instance) as admin:
            return any(row["Id"] == self.id for row in ask(admin, "SHOW PROCESSLIST"))

    def close(self) -> None:
        """Ends the session from outside, whatever it does."""
        with administrator(self._instance) as admin, suppress(pymysql.err.OperationalError):  # 1094: it is gone
            ask(admin, f"KILL {self.id}")
        if self._thread is not None:
            self._thread.join(60)
        elif self._connection.open:
            self._connection.close()
