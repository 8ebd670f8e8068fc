"""A replica of the lab: statements that break its replication, and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pymysql

from bot.errors import FirstmateError
from bot.lab.connections import administrator, ask
from bot.lab.lab_state import LabInstance
from bot.lab.random_faults.stage import Stage
from bot.lab.replication import replica_status
from bot.lab.waiting import wait_until

CATCHES_UP_WITHIN = 30.0


@dataclass
class Replica:
    """One replica during one scenario."""

    stage: Stage
    name: str

    @property
    def instance(self) -> LabInstance:
        return self.stage.state.instance(self.name)

    @property
    def source(self) -> str:
        """The name of its source."""
        return str(self.instance.source)

    def do(self, *statements: str) -> None:
        """Runs statements on it as administrator."""
        self.stage.admin(self.name, *statements)

    def write(self, *statements: str) -> None:
        """Writes rows to it alone: outside of its binary log, and although it is read-only."""
        read_only = "super_read_only" if self.instance.flavour == "mysql" else "read_only"
        with administrator(self.instance) as admin:
            ask(admin, f"SET GLOBAL {read_only} = OFF")
            ask(admin, "SET SESSION sql_log_bin = 0")
            for statement in statements:
                ask(admin, statement)
            ask(admin, f"SET GLOBAL {read_only} = ON")

    def status(self) -> Mapping[str, Any]:
        """Returns SHOW REPLICA STATUS of the default channel, with the names of MySQL 8.4."""
        return replica_status(self.instance)

    def applier_error(self) -> int:
        """Returns the number of the applier's last error."""
        return int(self.status().get("Last_SQL_Errno") or 0)

    def start(self) -> None:
        """Starts both threads."""
        with suppress(pymysql.err.MySQLError):
            self.do("START REPLICA")

    def has(self, table: str) -> bool:
        """Returns whether a table has reached the replica, with its rows."""
        with suppress(pymysql.err.MySQLError):
            return bool(self.stage.admin(self.name, f"SELECT COUNT(*) AS n FROM {table}")[0]["n"])
        return False

    def differ(self, number: int) -> None:
        """Makes its data differ, so that the next change of the source fails with 1062, 1032 or 1146."""
        self.stage.tables += 1
        table = f"shop.differs_{self.stage.tables}"
        self.stage.after(self.source, f"DROP TABLE IF EXISTS {table}")
        make = f"CREATE TABLE {table} (id INT PRIMARY KEY, note VARCHAR(20))"
        rows = f"INSERT INTO {table} VALUES (1, 'a'), (2, 'b')"
        self.stage.admin(self.source, f"DROP TABLE IF EXISTS {table}", make, rows)
        wait_until(f"{table} reaches {self.name}", lambda: self.has(table))
        here, there, back = {
            1062: (f"INSERT INTO {table} VALUES (3, 'here')", f"INSERT INTO {table} VALUES (3, 'there')", f"DELETE FROM {table} WHERE id = 3"),  # noqa: E501
            1032: (f"DELETE FROM {table} WHERE id = 1", f"UPDATE {table} SET note = 'c' WHERE id = 1", f"INSERT INTO {table} VALUES (1, 'a')"),  # noqa: E501
            1146: (f"RENAME TABLE {table} TO {table}_away", f"UPDATE {table} SET note = 'c' WHERE id = 1", f"RENAME TABLE {table}_away TO {table}"),  # noqa: E501
        }[number]  # fmt: skip
        self.write(here)

        def mend() -> None:
            with suppress(pymysql.err.MySQLError):
                self.write(back)
            self.start()

        self.stage.finally_(mend)
        self.stage.admin(self.source, there)

    def delay(self, seconds: int) -> None:
        """Delays its applier on purpose; the delay is removed after the scenario."""
        change = (
            "CHANGE REPLICATION SOURCE TO SOURCE_DELAY"
            if self.instance.flavour == "mysql"
            else "CHANGE MASTER TO MASTER_DELAY"
        )
        thread = " SQL_THREAD" if self.instance.flavour == "mysql" else ""

        def mend() -> None:
            with suppress(pymysql.err.MySQLError):
                self.do(f"STOP REPLICA{thread}", f"{change} = 0")
            self.start()

        self.stage.finally_(mend)
        self.do(f"STOP REPLICA{thread}", f"{change} = {seconds}", "START REPLICA")

    def caught_up(self) -> bool:
        """Returns whether it replicates and has applied all that its source has written."""
        status = self.status()
        running = status.get("Replica_IO_Running") == "Yes" and status.get("Replica_SQL_Running") == "Yes"
        behind = status.get("Seconds_Behind_Source")
        return running and behind is not None and int(behind) <= 1


def await_replicas(stage: Stage, flavour: str) -> None:
    """Returns when all replicas of a flavour have caught up; raises FirstmateError if one does not."""
    for each in stage.state.instances:
        if each.flavour == flavour and each.role == "replica":
            replica = Replica(stage, each.name)
            try:
                wait_until(f"{each.name} catches up", replica.caught_up, CATCHES_UP_WITHIN)
            except pymysql.err.MySQLError as error:
                raise FirstmateError(f"{each.name} cannot be read: {error}.") from error
