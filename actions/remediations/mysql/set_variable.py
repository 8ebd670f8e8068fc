"""Sets a global variable within its bounds, for a while."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

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
    Verdict,
)
from actions.sql import identifier, statement


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a variable may be set to."""

    least: int
    most: int
    times: float
    """How many times its present value it may grow to, and shrink to the inverse of."""
    flavours: frozenset[Flavour] = frozenset(Flavour)


ALLOWED = {
    "max_connections": Bounds(10, 20_000, 2.0),
    "innodb_io_capacity": Bounds(100, 100_000, 4.0),
    "innodb_io_capacity_max": Bounds(100, 200_000, 4.0),
    "innodb_lock_wait_timeout": Bounds(1, 300, 10.0),
    "lock_wait_timeout": Bounds(1, 31_536_000, 1e9),
    "wait_timeout": Bounds(30, 28_800, 1e9),
    "interactive_timeout": Bounds(30, 28_800, 1e9),
    "max_execution_time": Bounds(0, 3_600_000, 1e9, frozenset({Flavour.MYSQL})),
    "innodb_thread_concurrency": Bounds(0, 1000, 1e9),
    "innodb_max_purge_lag": Bounds(0, 100_000_000, 1e9),
    "replica_transaction_retries": Bounds(0, 1000, 1e9, frozenset({Flavour.MYSQL})),
    "slave_transaction_retries": Bounds(0, 1000, 1e9, frozenset({Flavour.MARIADB})),
}
"""The variables that may be set, and their bounds; every other one belongs into the server's configuration."""
LONGEST: Seconds = 24 * 3600.0


@dataclass(frozen=True)
class SetVariable(Remediation):
    """Sets one variable with SET GLOBAL, never SET PERSIST, and sets the old value again when its time is over."""

    name: str
    value: int
    revert_after: Seconds = 3600.0

    risk: ClassVar[Risk] = Risk.REVERSIBLE
    needs: ClassVar[Grants] = {
        Flavour.MYSQL: ("SYSTEM_VARIABLES_ADMIN",),
        Flavour.MARIADB: ("CONNECTION ADMIN", "SUPER"),
    }

    def check(self, db: MySQL) -> None:
        """Refuses variables and values that are not allowed, and a value that is set already."""
        bounds = ALLOWED.get(self.name)
        if bounds is None or db.version.flavour not in bounds.flavours:
            raise Refused(f"{self.name} is not one of the variables that may be set on {db.version.flavour.value}.")
        if not 0 < self.revert_after <= LONGEST:
            raise Refused(f"A change of {self.name} must be reverted within {LONGEST:g} s.")
        now = self._now(db)
        if now == self.value:
            raise Refused(f"{self.name} of {db.address} is {now} already.")
        most, least = min(bounds.most, now * bounds.times), max(bounds.least, now / bounds.times)
        if not least <= self.value <= most:
            raise Refused(
                f"{self.name}={self.value} is out of bounds on {db.address}: it is {now}, and may become "
                f"{least:g} to {most:g}."
            )

    def change(self, db: MySQL) -> Iterator[Statement]:
        """SET GLOBAL to the new value."""
        yield statement(f"SET GLOBAL {identifier(self.name)} = {{}}", self.value)

    def verify(self, db: MySQL) -> Verdict:
        """Good while the server has the value."""
        now = self._now(db)
        return Verdict(ok=now == self.value, says=f"{self.name} of {db.address} is {now}.")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """SET GLOBAL to the value that it has now."""
        yield statement(f"SET GLOBAL {identifier(self.name)} = {{}}", self._now(db))

    def _now(self, db: MySQL) -> int:
        rows = db.rows("SHOW GLOBAL VARIABLES WHERE Variable_name = %s", (self.name,))
        if not rows:
            raise Refused(f"{db.address} ({db.version}) has no variable {self.name}.")
        try:
            return int(rows[0]["Value"])
        except ValueError as error:
            raise Unreadable(f"{self.name} of {db.address} is not a whole number: {rows[0]['Value']!r}.") from error
