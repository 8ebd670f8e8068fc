"""How many connections a server has room for: by its open files, and by the memory that each session may take.

Sources: MySQL manual, "How MySQL Opens and Closes Tables" and "How MySQL Uses Memory". At startup, but not later, the
server raises open_files_limit as far as its process may, and lowers table_open_cache to what is left.
"""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import MySQL
from actions.status_counters import number, status, variables

_BUFFERS = (
    "thread_stack",
    "net_buffer_length",
    "sort_buffer_size",
    "join_buffer_size",
    "read_buffer_size",
    "read_rnd_buffer_size",
    "binlog_cache_size",
)
"""What one session may allocate at once, without temporary tables and packets larger than its buffer."""
_VARIABLES = ("open_files_limit", "table_open_cache", "innodb_open_files", "extra_max_connections", *_BUFFERS)
RESERVED = 10
"""Files that the server itself keeps open, as its own formula at startup has it."""


@dataclass(frozen=True, slots=True)
class ConnectionRoom:
    """What a server has room for."""

    open_files_limit: int
    """Files that its process may open, as the server found it at startup; 0 if it does not say."""
    for_tables: int
    """Files that its caches of tables and its logs may take."""
    per_session: int
    """Bytes that one session may allocate, without temporary tables."""

    @property
    def most(self) -> int | None:
        """The largest max_connections that its open files allow; None if unknown."""
        return max(0, self.open_files_limit - self.for_tables - RESERVED) if self.open_files_limit > 0 else None


def connection_room(db: MySQL) -> ConnectionRoom:
    """Reads what limits the number of connections. Raises Unreadable.

    A table of MyISAM takes two files, so that the cache of tables counts twice, as at startup.
    """
    has = variables(db, *_VARIABLES)
    tables = max(
        2 * number(has, "table_open_cache"),
        number(has, "innodb_open_files") + number(status(db, "Open_files"), "Open_files"),
    )
    return ConnectionRoom(
        open_files_limit=number(has, "open_files_limit"),
        for_tables=tables + number(has, "extra_max_connections"),
        per_session=sum(number(has, name) for name in _BUFFERS),
    )
