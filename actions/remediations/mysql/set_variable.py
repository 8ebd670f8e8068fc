"""Sets a global variable within bounds, for a limited time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.connection_room import connection_room
from actions.contract import (
    Flavour,
    Grants,
    MySQL,
    Refused,
    Remediation,
    Risk,
    Seconds,
    Statement,
    Unreadable,
    Verification,
)
from actions.diagnostics.mysql.replica_status import replica_status
from actions.sql_quoting import identifier, statement

BOTH = frozenset({Flavour.MYSQL, Flavour.MARIADB})
MYSQL = frozenset({Flavour.MYSQL})
MARIADB = frozenset({Flavour.MARIADB})


@dataclass(frozen=True, slots=True)
class Bounds:
    """The values that a variable may be set to."""

    least: int
    most: int
    times: float | None = None
    """The factor by which it may grow or shrink; None if a factor makes no sense."""
    flavours: frozenset[Flavour] = BOTH
    multiple_of: int = 1
    """The server silently rounds other values."""
    replica_only: bool = False
    """Whether it weakens crash safety, which only a replica can afford because it can fetch the data again."""
    grows_only: bool = False
    """Whether a smaller value removes data that no undo restores."""
    not_above: str = ""
    """A variable that it must not exceed: MySQL lowers the value to it, MariaDB raises the other variable."""
    not_below: str = ""
    """A variable that it must not fall below."""


ALLOWED = {
    "binlog_expire_logs_seconds": Bounds(3600, 7_776_000, 4.0, MYSQL, grows_only=True),
    "innodb_flush_log_at_trx_commit": Bounds(0, 2, replica_only=True),
    "innodb_io_capacity": Bounds(100, 100_000, 4.0, not_above="innodb_io_capacity_max"),
    "innodb_io_capacity_max": Bounds(100, 200_000, 4.0, not_below="innodb_io_capacity"),
    "innodb_log_file_size": Bounds(4 << 20, 128 << 30, 4.0, MARIADB, multiple_of=4096, grows_only=True),
    "innodb_lock_wait_timeout": Bounds(1, 300, 10.0),
    "innodb_max_purge_lag": Bounds(0, 100_000_000),
    "innodb_redo_log_capacity": Bounds(8 << 20, 128 << 30, 4.0, MYSQL, multiple_of=1 << 20, grows_only=True),
    "innodb_thread_concurrency": Bounds(0, 1000, flavours=MYSQL),
    "interactive_timeout": Bounds(30, 28_800),
    "lock_wait_timeout": Bounds(1, 31_536_000),
    "max_heap_table_size": Bounds(1 << 20, 1 << 30, 4.0, multiple_of=1024),
    "max_connections": Bounds(10, 20_000, 2.0),
    "max_execution_time": Bounds(0, 3_600_000, flavours=MYSQL),
    "replica_transaction_retries": Bounds(0, 1000, flavours=MYSQL),
    "rpl_semi_sync_master_timeout": Bounds(100, 3_600_000, 10.0, MARIADB),
    "rpl_semi_sync_source_timeout": Bounds(100, 3_600_000, 10.0, MYSQL),
    "slave_transaction_retries": Bounds(0, 1000, flavours=MARIADB),
    "sync_binlog": Bounds(0, 10_000, replica_only=True),
    "temptable_max_ram": Bounds(2 << 20, 64 << 30, 4.0, MYSQL),
    "tmp_table_size": Bounds(1 << 20, 1 << 30, 4.0, multiple_of=1024),
    "wait_timeout": Bounds(30, 28_800),
}
"""The variables that may be set, and their bounds; all others belong in the server's configuration. Session variables
among them (the timeouts, max_execution_time) apply to connections that begin afterwards."""
LONGEST: Seconds = 24 * 3600.0
SEMI_SYNC = "rpl_semi_sync_"
CONNECTIONS = "max_connections"


@dataclass(frozen=True)
class SetVariable(Remediation):
    """Sets one variable with SET GLOBAL, never SET PERSIST, and restores the old value when its time is over."""

    name: str
    """The variable."""
    value: int
    """The new value."""
    revert_after: Seconds = 3600.0
    """Time after which the old value is restored; 86400 s at most."""

    risk: ClassVar[Risk] = Risk.REVERSIBLE
    needs: ClassVar[Grants] = {
        Flavour.MYSQL: ("REPLICATION CLIENT", "SELECT ON performance_schema.*", "SYSTEM_VARIABLES_ADMIN"),
        # MariaDB requires SUPER; CONNECTION ADMIN suffices for max_connections, and BINLOG ADMIN for sync_binlog.
        Flavour.MARIADB: ("SLAVE MONITOR", "SUPER"),
    }

    def check(self, db: MySQL) -> None:
        """Refuses variables and values that are not allowed, and a value that is already set."""
        bounds = ALLOWED.get(self.name)
        if bounds is None or db.version.flavour not in bounds.flavours:
            raise Refused(
                f"{self.name} is not one of the variables that may be set on {db.version}; change it in the server's "
                "configuration."
            )
        if not 0 < self.revert_after <= LONGEST:
            raise Refused(
                f"A change of {self.name} must be reverted within {LONGEST:g} s; {self.revert_after:g} s were "
                "requested."
            )
        now = self._now(db)
        if now == self.value:
            raise Refused(f"{self.name} of {db.address} is already {now}.")
        most, least = _range(bounds, now)
        if not least <= self.value <= most or self.value % bounds.multiple_of:
            step = f" in steps of {bounds.multiple_of}" if bounds.multiple_of > 1 else ""
            raise Refused(
                f"{self.name}={self.value} is out of bounds on {db.address}: it is {now} now, and {least} to "
                f"{most}{step} are allowed."
            )
        self._fits_the_others(db, bounds)
        if self.name == CONNECTIONS:
            self._has_files(db)
        if bounds.replica_only and not replica_status(db).configured:
            raise Refused(f"{self.name} may be changed on replicas only, and {db.address} does not replicate.")

    def change(self, db: MySQL) -> Iterator[Statement]:
        """SET GLOBAL with the new value."""
        yield statement(f"SET GLOBAL {identifier(self.name)} = {{}}", self.value)

    def verify(self, db: MySQL) -> Verification:
        """Succeeds while the server has the value."""
        now = self._now(db)
        return Verification(ok=now == self.value, says=f"{self.name} of {db.address} is {now}.")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """SET GLOBAL with the present value."""
        yield statement(f"SET GLOBAL {identifier(self.name)} = {{}}", self._now(db))

    @property
    def on_tablet(self) -> str:
        """Refused for semi-sync, without which a failover of Vitess loses committed transactions."""
        if not self.name.startswith(SEMI_SYNC):
            return ""
        return (
            f"Vitess manages {self.name}: with a shorter timeout, commits continue without an acknowledgement, and a "
            "failover loses them. Set the durability policy of the keyspace instead."
        )

    def cost(self, db: MySQL) -> str:
        """For more connections: the memory that they may take."""
        more = self.value - self._now(db) if self.name == CONNECTIONS else 0
        if more <= 0:
            return ""
        mebibytes = more * connection_room(db).per_session / (1 << 20)
        return (
            f"{more} more sessions may take up to {mebibytes:.0f} MiB for their buffers, and more for temporary "
            "tables; the server does not know the memory of its host."
        )

    def _has_files(self, db: MySQL) -> None:
        room = connection_room(db)
        if room.most is not None and self.value > max(room.most, self._now(db)):
            raise Refused(
                f"{self.name}={self.value} does not fit the open files of {db.address}: open_files_limit is "
                f"{room.open_files_limit}, and the caches of tables may take {room.for_tables} of them, so that "
                f"{room.most} connections fit. Free connections instead, or raise the limit of the process and "
                "restart it."
            )

    def _fits_the_others(self, db: MySQL, bounds: Bounds) -> None:
        for other, above in ((bounds.not_above, True), (bounds.not_below, False)):
            if not other:
                continue
            limit = _value(db, other)
            if (self.value > limit) if above else (self.value < limit):
                raise Refused(
                    f"{self.name}={self.value} would be {'above' if above else 'below'} {other}={limit} of "
                    f"{db.address}, and the server would silently change one of the two. Change {other} first."
                )

    def _now(self, db: MySQL) -> int:
        return _value(db, self.name)


def _range(bounds: Bounds, now: int) -> tuple[int, int]:
    """Returns the largest and the smallest allowed value, given the present one."""
    most, least = bounds.most, bounds.least
    if bounds.times is not None:
        most, least = min(most, int(now * bounds.times)), max(least, math.ceil(now / bounds.times))
    return most, max(least, now) if bounds.grows_only else least


def _value(db: MySQL, name: str) -> int:
    rows = db.rows("SHOW GLOBAL VARIABLES WHERE Variable_name = %s", (name,))
    if not rows:
        raise Refused(f"{db.address} ({db.version}) has no variable {name}.")
    try:
        return int(rows[0]["Value"])
    except ValueError as error:
        raise Unreadable(f"{name} of {db.address} is not a whole number: {rows[0]['Value']!r}.") from error
