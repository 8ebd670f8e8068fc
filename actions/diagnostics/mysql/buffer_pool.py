"""Whether the buffer pool holds the pages that are requested."""

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
    """The buffer pool, and the requests to it during the sample."""

    size: Bytes = 0
    """innodb_buffer_pool_size."""
    filled: Bytes = 0
    """Bytes of the pool that hold data."""
    dirty: Percent = 0.0
    """Share of pages that are modified and not yet written."""
    over: Seconds = 0.0
    """Time between the two samples."""
    requests: Count = 0
    """Read requests between the two samples."""
    from_disk: Count = 0
    """Read requests that had to read from disk."""
    miss: Percent = 0.0
    """The share of such requests; above 1 percent the pool is too small for the load, or cold."""
    miss_ever: Percent = 0.0
    """The same since the server started, for comparison."""
    waited_for_free: Count = 0
    """Waits for a free page between the two samples: page flushing cannot keep up."""
    uptime: Seconds = 0.0
    """Time since the server started."""
    kept_free: Bytes = 0
    """Bytes that the server keeps free for new pages (innodb_lru_scan_depth)."""
    resize: str = ""
    """The server's status of the present or last resize."""

    @property
    def cold(self) -> bool:
        """Whether the server started less than an hour ago and the pool is not filled yet."""
        return self.uptime < 3600 and self.filled + self.kept_free < 0.8 * self.size


@diagnostic(cost=Cost.LOW, needs={Flavour.MYSQL: (), Flavour.MARIADB: ()})
def buffer_pool(db: MySQL, *, over: Seconds = 1.0) -> BufferPool:
    """Samples the counters twice. Few free pages are normal on a warm server and are not reported.

    `over` is the time between the samples. information_schema.INNODB_BUFFER_PAGE is never read: the manual warns
    against querying it in production.
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
