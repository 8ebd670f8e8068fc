"""Resizes the buffer pool while the server runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Bytes, Flavour, Grants, MySQL, Refused, Remediation, Risk, Statement, Verification
from actions.sql_quoting import statement
from actions.status_counters import number, status, variables

MOST_TIMES = 2.0
"""The factor by which it may grow or shrink at once."""
SPARE = 1.2
"""Memory that must be available on the host, as a multiple of the growth."""


@dataclass(frozen=True)
class ResizeBufferPool(Remediation):
    """Sets innodb_buffer_pool_size until the next restart; change the server's configuration as well."""

    size: Bytes
    """The new size."""
    available: Bytes
    """Available memory of the host, as its exporter reports it."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    settles_within: ClassVar[float] = 60.0
    needs: ClassVar[Grants] = {
        Flavour.MYSQL: ("SYSTEM_VARIABLES_ADMIN",),
        Flavour.MARIADB: ("SUPER",),
    }

    def check(self, db: MySQL) -> None:
        """Refuses a size that the server would round, a step of more than a factor of 2, and growth beyond the host's
        memory."""
        has = variables(db, "innodb_buffer_pool_size", *_GRAIN, "innodb_buffer_pool_size_max")
        now, grain = number(has, "innodb_buffer_pool_size"), _grain(has)
        if self.size == now:
            raise Refused(f"The buffer pool of {db.address} is already {now:,} bytes.")
        if self.size % grain:
            raise Refused(f"{db.address} would round {self.size:,} bytes up; specify a multiple of {grain:,} bytes.")
        if not now / MOST_TIMES <= self.size <= now * MOST_TIMES:
            raise Refused(
                f"The buffer pool of {db.address} is {now:,} bytes; one step may set it to {int(now / MOST_TIMES):,} "
                f"to {int(now * MOST_TIMES):,} bytes."
            )
        limit = number(has, "innodb_buffer_pool_size_max")
        if limit and self.size > limit:
            raise Refused(
                f"{db.address} can grow its buffer pool to at most {limit:,} bytes (innodb_buffer_pool_size_max, "
                "which only a restart changes)."
            )
        needed = int((self.size - now) * SPARE)
        if self.available < needed:
            raise Refused(
                f"The host of {db.address} has {self.available:,} bytes available, but {needed:,} are needed, "
                "including a reserve of 20 %: the server would swap, or the kernel would kill it."
            )

    def change(self, db: MySQL) -> Iterator[Statement]:
        """SET GLOBAL; the server stays available while it moves pages."""
        yield statement("SET GLOBAL innodb_buffer_pool_size = {}", self.size)

    def cost(self, db: MySQL) -> str:
        """What clients notice."""
        return "Statements may wait for seconds while pages are moved; shrinking writes dirty pages first."

    def verify(self, db: MySQL) -> Verification:
        """Succeeds when the server has the size and reports that the resize is complete."""
        now = number(variables(db, "innodb_buffer_pool_size"), "innodb_buffer_pool_size")
        says = status(db, "Innodb_buffer_pool_resize_status").get("Innodb_buffer_pool_resize_status", "")
        under_way = bool(says) and not says.startswith(("Completed", "Size did not change"))
        settled = now == self.size and not under_way
        return Verification(
            ok=settled, says=f"The buffer pool of {db.address} is {now:,} bytes. {says}".strip(), settled=settled
        )

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """SET GLOBAL with the present size."""
        now = number(variables(db, "innodb_buffer_pool_size"), "innodb_buffer_pool_size")
        yield statement("SET GLOBAL innodb_buffer_pool_size = {}", now)


_GRAIN = ("innodb_buffer_pool_chunk_size", "innodb_buffer_pool_instances")


def _grain(has: dict[str, str]) -> int:
    """Returns the unit to which the server rounds sizes: chunks times instances; in MariaDB from 10.11.12 and 11.8 on,
    1 MiB."""
    chunk = number(has, "innodb_buffer_pool_chunk_size") or 1 << 20
    return chunk * max(1, number(has, "innodb_buffer_pool_instances"))
