"""Makes the buffer pool larger or smaller while the server runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Bytes, Flavour, Grants, MySQL, Refused, Remediation, Risk, Statement, Verification
from actions.sql_quoting import statement
from actions.status_counters import number, status, variables

MOST_TIMES = 2.0
"""How much larger it may become at once, and smaller by the same."""
SPARE = 1.2
"""What must be free on the host, as a multiple of what the pool grows by."""


@dataclass(frozen=True)
class ResizeBufferPool(Remediation):
    """Sets innodb_buffer_pool_size until the next start; the configuration must be changed, too."""

    size: Bytes
    available: Bytes
    """Memory that the host has available, as its exporter says."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    settles_within: ClassVar[float] = 60.0
    needs: ClassVar[Grants] = {
        Flavour.MYSQL: ("SYSTEM_VARIABLES_ADMIN",),
        Flavour.MARIADB: ("SUPER",),
    }

    def check(self, db: MySQL) -> None:
        """Refuses a size that the server would round, a step that is too large, and what the host has no room for."""
        has = variables(db, "innodb_buffer_pool_size", *_GRAIN, "innodb_buffer_pool_size_max")
        now, grain = number(has, "innodb_buffer_pool_size"), _grain(has)
        if self.size == now:
            raise Refused(f"The buffer pool of {db.address} is {now:,} bytes already.")
        if self.size % grain:
            raise Refused(f"The server would round {self.size:,} up to a multiple of {grain:,} bytes; give one.")
        if not now / MOST_TIMES <= self.size <= now * MOST_TIMES:
            raise Refused(
                f"The buffer pool of {db.address} is {now:,} bytes; in one step it may become "
                f"{int(now / MOST_TIMES):,} to {int(now * MOST_TIMES):,}."
            )
        limit = number(has, "innodb_buffer_pool_size_max")
        if limit and self.size > limit:
            raise Refused(
                f"{db.address} can grow its buffer pool to {limit:,} bytes only (innodb_buffer_pool_size_max, which "
                "takes a restart)."
            )
        needed = int((self.size - now) * SPARE)
        if self.available < needed:
            raise Refused(
                f"The host of {db.address} has {self.available:,} bytes available, and {needed:,} "
                "are needed with a fifth to spare: it would swap, or be killed for memory."
            )

    def change(self, db: MySQL) -> Iterator[Statement]:
        """SET GLOBAL; the server goes on while it moves pages."""
        yield statement("SET GLOBAL innodb_buffer_pool_size = {}", self.size)

    def cost(self, db: MySQL) -> str:
        """What one feels of it."""
        return "Statements may wait for seconds while pages are moved; shrinking writes dirty pages first."

    def verify(self, db: MySQL) -> Verification:
        """Good when the server has the size, and says that it is done."""
        now = number(variables(db, "innodb_buffer_pool_size"), "innodb_buffer_pool_size")
        says = status(db, "Innodb_buffer_pool_resize_status").get("Innodb_buffer_pool_resize_status", "")
        under_way = bool(says) and not says.startswith(("Completed", "Size did not change"))
        settled = now == self.size and not under_way
        return Verification(
            ok=settled, says=f"The buffer pool of {db.address} is {now:,} bytes. {says}".strip(), settled=settled
        )

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """SET GLOBAL to the size that it has now."""
        now = number(variables(db, "innodb_buffer_pool_size"), "innodb_buffer_pool_size")
        yield statement("SET GLOBAL innodb_buffer_pool_size = {}", now)


_GRAIN = ("innodb_buffer_pool_chunk_size", "innodb_buffer_pool_instances")


def _grain(has: dict[str, str]) -> int:
    """What the server rounds sizes to: chunks for each instance; MariaDB from 10.11.12 and 11.8 on, whole MiB."""
    chunk = number(has, "innodb_buffer_pool_chunk_size") or 1 << 20
    return chunk * max(1, number(has, "innodb_buffer_pool_instances"))
