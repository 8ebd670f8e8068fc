"""Whether the buffer pool holds what is asked of it."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Bytes, Cost, Count, Flavour, MySQL, Percent, Seconds, diagnostic
from actions.ratios import percent
from actions.status_counters import number, status, variables

NAMES = (
    "Innodb_buffer_pool_read_requests",
    "Innodb_buffer_pool_reads",
    "Innodb_buffer_pool_wait_free",
    "Innodb_buffer_pool_pages_total",
    "Innodb_buffer_pool_pages_dirty",
    "Innodb_buffer_pool_pages_free",
    "Innodb_buffer_pool_bytes_data",
    "Uptime",
)


@dataclass(frozen=True, slots=True)
class BufferPool:
    """The buffer pool, and what was asked of it while one looked."""

    size: Bytes = 0
    filled: Bytes = 0
    dirty: Percent = 0.0
    """Pages that are changed and not written yet."""
    over: Seconds = 0.0
    requests: Count = 0
    from_disk: Count = 0
    """Requests that had to read from disk."""
    miss: Percent = 0.0
    """The share of them; above 1 percent the pool is small for what is asked, or cold."""
    miss_ever: Percent = 0.0
    """The same since the start: what is usual."""
    waited_for_free: Count = 0
    """Times that a page was waited for, while one looked: writing cannot keep up."""
    uptime: Seconds = 0.0
    kept_free: Bytes = 0
    """What the server keeps free by itself for pages to come (innodb_lru_scan_depth)."""
    resize: str = ""
    """What the server says of a resize under way or the last one."""

    @property
    def cold(self) -> bool:
        """Whether the server was started so lately that the pool is not filled yet."""
        return self.uptime < 3600 and self.filled + self.kept_free < 0.8 * self.size


@diagnostic(cost=Cost.LOW, needs={Flavour.MYSQL: (), Flavour.MARIADB: ()})
def buffer_pool(db: MySQL, *, over: Seconds = 1.0) -> BufferPool:
    """Reads the counters twice; few free pages are the normal state of a warm server and say nothing.

    information_schema.INNODB_BUFFER_PAGE is never read: the manual warns of it in production.
    """
    before = status(db, *NAMES)
    has = variables(db, "innodb_buffer_pool_size", "innodb_lru_scan_depth", "innodb_page_size")
    db.pause(over)
    after = status(db, *NAMES, "Innodb_buffer_pool_resize_status")

    def grown(name: str) -> int:
        return number(after, name) - number(before, name)

    requests, reads = grown(NAMES[0]), grown(NAMES[1])
    asked, total = number(after, NAMES[0]), number(after, NAMES[3])
    return BufferPool(
        size=number(has, "innodb_buffer_pool_size"),
        filled=number(after, "Innodb_buffer_pool_bytes_data"),
        dirty=percent(number(after, NAMES[4]), total),
        over=over,
        requests=requests,
        from_disk=reads,
        miss=percent(reads, requests, digits=2),
        miss_ever=percent(number(after, NAMES[1]), asked, digits=2),
        waited_for_free=grown(NAMES[2]),
        uptime=float(number(after, "Uptime")),
        kept_free=number(has, "innodb_lru_scan_depth") * number(has, "innodb_page_size"),
        resize=after.get("Innodb_buffer_pool_resize_status", "")[:120],
    )
