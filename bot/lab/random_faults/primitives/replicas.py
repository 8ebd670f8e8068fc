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

CATCHES_UP_WITHIN = 30.0
SECOND = "second"
"""The name of the second channel: through the other replica of the same source."""


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

    def status(self, channel: str = "") -> Mapping[str, Any]:
        """Returns SHOW REPLICA STATUS of a channel, with the names of MySQL 8.4; empty if it does not exist."""
        statement = "SHOW REPLICA STATUS" if self.instance.flavour == "mysql" else "SHOW ALL SLAVES STATUS"
        for row in self.stage.admin(self.name, statement):
            if str(row.get("Channel_Name", row.get("Connection_name", ""))) == channel:
                return {
                    name.replace("Slave_", "Replica_").replace("Master", "Source"): value for name, value in row.items()
                }
        return {}

    def of_channel(self, statement: str, channel: str) -> str:
        """Returns START, STOP or RESET REPLICA of one channel, as an administrator would write it."""
        if self.instance.flavour == "mysql":
            return f"{statement} FOR CHANNEL '{channel}'"
        if not channel:
            return statement
        verb, noun, *thread = statement.split()
        return " ".join([verb, noun, f"'{channel}'", *thread])

    def stop(self, thread: str, channel: str = "") -> None:
        """Stops the applier or the receiver of a channel."""
        self.do(self.of_channel(f"STOP REPLICA {'SQL' if thread == 'applier' else 'IO'}_THREAD", channel))

    def _change(self, settings: str, channel: str = "") -> str:
        """Returns CHANGE REPLICATION SOURCE of a channel, with settings as MySQL names them."""
        if self.instance.flavour == "mysql":
            return f"CHANGE REPLICATION SOURCE TO {settings} FOR CHANNEL '{channel}'"
        return f"CHANGE MASTER '{channel}' TO {settings.replace('SOURCE_', 'MASTER_')}"

    def _follow(self, source: LabInstance, channel: str = "") -> str:
        login = self.stage.state.replication
        settings = f"SOURCE_HOST='{source.host}', SOURCE_PORT={source.port}, SOURCE_USER='{login.user}', "
        settings += f"SOURCE_PASSWORD='{login.password}', SOURCE_CONNECT_RETRY=1, "
        mysql = self.instance.flavour == "mysql"
        settings += (
            "SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1" if mysql else "MASTER_USE_GTID=slave_pos, MASTER_SSL=0"
        )
        return self._change(settings, channel)

    @property
    def other(self) -> LabInstance:
        """The other replica of its source."""
        state = self.stage.state
        return next(each for each in state.instances if each.source == self.source and each.name != self.name)

    def add_second_channel(self) -> None:
        """Lets it follow its source through the other replica, too; the channel is removed after the scenario."""
        mysql = self.instance.flavour == "mysql"

        def remove() -> None:
            if mysql:
                self.do("STOP REPLICA", f"RESET REPLICA ALL FOR CHANNEL '{SECOND}'", "START REPLICA")
            else:
                self.do("STOP ALL SLAVES", f"RESET SLAVE '{SECOND}' ALL", "SET GLOBAL gtid_ignore_duplicates = OFF")
                self.do("START REPLICA")

        self.stage.finally_(remove)
        if not mysql:
            self.do("STOP ALL SLAVES", "SET GLOBAL gtid_ignore_duplicates = ON")
        self.do(self._follow(self.other, SECOND), self.of_channel("START REPLICA", SECOND))
        if not mysql:
            self.do("START REPLICA")
        self.stage.wait(self.name, f"both channels of {self.name} run", lambda: self._runs("") and self._runs(SECOND))

    def _runs(self, channel: str) -> bool:
        status = self.status(channel)
        return status.get("Replica_IO_Running") == "Yes" and status.get("Replica_SQL_Running") == "Yes"

    def set_password(self, password: str, channel: str) -> None:
        """Sets the password with which a channel logs in to its source."""
        self.do(
            self.of_channel("STOP REPLICA", channel),
            self._change(f"SOURCE_PASSWORD='{password}'", channel),
            self.of_channel("START REPLICA", channel),
        )

    def answers(self, query: str) -> bool:
        """Returns whether a query on it answers with a row; False if it fails."""
        with suppress(pymysql.err.MySQLError):
            return bool(self.stage.admin(self.name, query))
        return False

    def be_impatient(self) -> None:
        """Lets its applier give up after one second of waiting for a row; set back after the scenario."""
        mysql = self.instance.flavour == "mysql"
        retries = "replica_transaction_retries" if mysql else "slave_transaction_retries"
        thread = self.of_channel("STOP REPLICA SQL_THREAD", "")

        def mend() -> None:
            with suppress(pymysql.err.MySQLError):
                self.do(thread)
            self.do("SET GLOBAL innodb_lock_wait_timeout = 50", f"SET GLOBAL {retries} = 10")
            self.start()

        self.stage.finally_(mend)
        self.do(thread, "SET GLOBAL innodb_lock_wait_timeout = 1", f"SET GLOBAL {retries} = 0")
        self.do(self.of_channel("START REPLICA SQL_THREAD", ""))

    def lose_source_logs(self) -> None:
        """Purges logs of the source that the replica then asks for; what they have, it had applied before."""
        mysql = self.instance.flavour == "mysql"
        self.stage.admin(self.source, "FLUSH BINARY LOGS")
        self.stage.wait(self.source, f"the logs of {self.source} are purged", self._purged)
        self.do("STOP REPLICA")
        had = self._value("SELECT @@GLOBAL.gtid_executed AS v" if mysql else "SELECT @@GLOBAL.gtid_slave_pos AS v")
        if mysql:
            gone = str(self.stage.admin(self.source, "SELECT @@GLOBAL.gtid_purged AS v")[0]["v"]).replace("\n", "")
            back = ("RESET BINARY LOGS AND GTIDS", f"SET GLOBAL gtid_purged = '{had},{gone}'")
            lose: tuple[str, ...] = ("RESET BINARY LOGS AND GTIDS", "RESET REPLICA")
        else:
            back = ("RESET MASTER", f"SET GLOBAL gtid_slave_pos = '{had}'")
            lose = ("SET GLOBAL gtid_slave_pos = ''", "RESET MASTER", "SET GLOBAL gtid_slave_pos = '0-201-1'")
        self.stage.finally_(lambda: self.do("STOP REPLICA", *back, "START REPLICA"))
        self.do(*lose, "START REPLICA")

    def _purged(self) -> bool:
        """Purges all logs of the source but the newest; False while a replica still reads an older one."""
        newest = str(self.stage.admin(self.source, "SHOW BINARY LOGS")[-1]["Log_name"])
        self.stage.admin(self.source, f"PURGE BINARY LOGS TO '{newest}'")
        return len(self.stage.admin(self.source, "SHOW BINARY LOGS")) == 1

    def _value(self, query: str) -> str:
        return str(self.stage.admin(self.name, query)[0]["v"]).replace("\n", "")

    def promote(self) -> None:
        """Promotes it as people do by hand: STOP REPLICA and writable, the old primary read-only, the other follows."""
        old, other = self.source, Replica(self.stage, self.other.name)
        mysql = self.instance.flavour == "mysql"
        off = ["SET GLOBAL super_read_only = OFF"] * mysql + ["SET GLOBAL read_only = OFF"]
        on = ["SET GLOBAL read_only = ON"] + ["SET GLOBAL super_read_only = ON"] * mysql

        def back() -> None:
            self.stage.admin(self.name, *on)
            other.do("STOP REPLICA", other._follow(self.stage.state.instance(old)), "START REPLICA")
            self.start()
            self.stage.admin(old, *off)

        self.stage.finally_(back)
        self.stage.admin(old, *on)
        self.stage.wait(self.name, f"{self.name} has all of {old}", self.caught_up)
        self.do("STOP REPLICA", *off)
        other.do("STOP REPLICA", other._follow(self.instance), "START REPLICA")
        self.stage.wait(other.name, f"{other.name} follows {self.name}", lambda: other._runs(""))

    def applier_error(self) -> int:
        """Returns the number of the applier's last error."""
        return int(self.status().get("Last_SQL_Errno") or 0)

    def start(self, channel: str = "") -> None:
        """Starts both threads of a channel."""
        with suppress(pymysql.err.MySQLError):
            self.do(self.of_channel("START REPLICA", channel))

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
        self.stage.wait(self.name, f"{table} reaches {self.name}", lambda: self.has(table))
        change = f"UPDATE {table} SET note = 'c' WHERE id = 1"
        here, there, back = {
            1062: (
                f"INSERT INTO {table} VALUES (3, 'here')",
                f"INSERT INTO {table} VALUES (3, 'there')",
                f"DELETE FROM {table} WHERE id = 3",
            ),
            1032: (f"DELETE FROM {table} WHERE id = 1", change, f"INSERT INTO {table} VALUES (1, 'a')"),
            1146: (f"RENAME TABLE {table} TO {table}_away", change, f"RENAME TABLE {table}_away TO {table}"),
        }[number]
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
                stage.wait(each.name, f"{each.name} catches up", replica.caught_up, CATCHES_UP_WITHIN)
            except pymysql.err.MySQLError as error:
                raise FirstmateError(f"{each.name} cannot be read: {error}.") from error
