"""Since when a server has been running, and in which state it started."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Bytes, Cost, Flavour, MySQL, Seconds, diagnostic
from actions.status_counters import number, on, status, variables


@dataclass(frozen=True, slots=True)
class ServerState:
    """The state of a server after a restart."""

    version: str = ""
    uptime: Seconds = 0.0
    """Time since the server started."""
    read_only: bool = False
    """Whether read_only is on."""
    offline: bool = False
    """Whether offline_mode rejects all users without CONNECTION_ADMIN."""
    force_recovery: int = 0
    """innodb_force_recovery; above 0 the server was started for reading out its data only."""
    skip_grants: bool = False
    """Whether privileges are not checked (skip_grant_tables)."""
    event_scheduler: bool = False
    """Whether the event scheduler is on."""
    buffer_pool: Bytes = 0
    """innodb_buffer_pool_size."""
    buffer_pool_filled: Bytes = 0
    """Bytes of the buffer pool that hold data; few after a restart, so that reads come from disk."""
    buffer_pool_load: str = ""
    """The server's status of loading the pages that the buffer pool held before."""


@diagnostic(cost=Cost.LOW, needs={Flavour.MYSQL: (), Flavour.MARIADB: ()})
def server_state(db: MySQL) -> ServerState:
    """Reads the uptime, the recovery mode, and how far the buffer pool is filled."""
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
