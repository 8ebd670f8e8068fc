"""Since when a server runs, and in which state it came up."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Bytes, Cost, Flavour, MySQL, Seconds, diagnostic
from actions.status_counters import number, on, status, variables


@dataclass(frozen=True, slots=True)
class ServerState:
    """What one asks of a server that was down a moment ago."""

    version: str = ""
    uptime: Seconds = 0.0
    read_only: bool = False
    offline: bool = False
    """Whether offline_mode keeps everybody without CONNECTION_ADMIN out."""
    force_recovery: int = 0
    """innodb_force_recovery; above 0 the server was started to be read from, not to be used."""
    skip_grants: bool = False
    """Whether anybody may do anything (skip_grant_tables)."""
    event_scheduler: bool = False
    buffer_pool: Bytes = 0
    buffer_pool_filled: Bytes = 0
    """How much of the buffer pool holds data: little after a start, so that reads come from disk."""
    buffer_pool_load: str = ""
    """What the server says of loading the pages that it knew before."""


@diagnostic(cost=Cost.LOW, needs={Flavour.MYSQL: (), Flavour.MARIADB: ()})
def server_state(db: MySQL) -> ServerState:
    """Reads uptime, recovery mode and the buffer pool's warmth."""
    now = status(db, "Uptime", "Innodb_buffer_pool_bytes_data", "Innodb_buffer_pool_load_status")
    names = ("innodb_force_recovery", "innodb_buffer_pool_size", "read_only", "offline_mode", "skip_grant_tables")
    has = variables(db, *names, "event_scheduler")
    return ServerState(
        version=str(db.version),
        uptime=float(number(now, "Uptime")),
        read_only=on(has, "read_only"),
        offline=on(has, "offline_mode"),
        force_recovery=number(has, "innodb_force_recovery"),
        skip_grants=on(has, "skip_grant_tables"),
        event_scheduler=on(has, "event_scheduler"),
        buffer_pool=number(has, "innodb_buffer_pool_size"),
        buffer_pool_filled=number(now, "Innodb_buffer_pool_bytes_data"),
        buffer_pool_load=now.get("Innodb_buffer_pool_load_status", "")[:120],
    )
