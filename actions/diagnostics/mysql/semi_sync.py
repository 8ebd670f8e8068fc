"""Whether commits wait for a replica's acknowledgement."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Cost, Count, Flavour, MySQL, Seconds, diagnostic
from actions.session_waits import read_waiting_sessions

COMMITS = ("semi_sync", "commit")
"""The kinds of waits of a commit: its own acknowledgement, and its turn behind a commit that waits (group commit)."""


@dataclass(frozen=True, slots=True)
class SemiSync:
    """Semi-synchronous replication on one server, as a source and as a replica."""

    name: str = ""
    """The server's name in the inventory, where several servers were asked; otherwise ''."""
    installed: bool = False
    """Whether a semi-sync plugin is installed."""
    enabled: bool = False
    """Whether it is enabled on the source side, by its variable."""
    active: bool = False
    """Whether commits do wait; false while enabled means that it fell back to asynchronous replication."""
    clients: Count = 0
    """Replicas that acknowledge."""
    wait_for: Count = 1
    """Acknowledgements that a commit waits for."""
    timeout: Seconds = 0.0
    """Time after which it falls back to asynchronous replication."""
    waiting: Count = 0
    """Commits that wait for an acknowledgement now, with those that queue behind them (group commit). The server
    counts only the former in Rpl_semi_sync_source_wait_sessions."""
    unacknowledged: Count = 0
    """Commits since the server started that no replica acknowledged in time."""
    replica_enabled: bool = False
    """Whether it is enabled on the replica side, by its variable."""
    replica_active: bool = False
    """Whether the replica acknowledges."""
    replica_variable: str = "rpl_semi_sync_replica_enabled"
    """The variable that enables it on the replica side, by the name that this server has."""


@diagnostic(cost=Cost.LOW, needs={Flavour.MYSQL: ("PROCESS",), Flavour.MARIADB: ("PROCESS",)})
def semi_sync(db: MySQL) -> SemiSync:
    """Reads the counters and variables, under whichever name the server has.

    They are named rpl_semi_sync_master_* in MariaDB and in MySQL up to 8.0.25, and rpl_semi_sync_source_* with the
    newer plugin. Where a commit waits, the process list shows those that queue behind it.
    """
    rows = [
        *db.rows("SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync%'"),
        *db.rows("SHOW GLOBAL VARIABLES LIKE 'rpl_semi_sync%'"),
    ]
    told = {str(row["Variable_name"]).lower(): str(row["Value"]) for row in rows}

    def get(name: str) -> str:
        for old, new in (("source", "master"), ("replica", "slave")):
            if f"rpl_semi_sync_{name}" not in told:
                name = name.replace(old, new)
        return told.get(f"rpl_semi_sync_{name}", "")

    def count(name: str) -> int:
        text = get(name)
        return int(text) if text.isdigit() else 0

    return SemiSync(
        installed=bool(get("source_enabled") or get("replica_enabled")),
        enabled=get("source_enabled") == "ON",
        active=get("source_status") == "ON",
        clients=count("source_clients"),
        wait_for=count("source_wait_for_replica_count") or 1,
        timeout=count("source_timeout") / 1000.0,
        waiting=_waiting(db, count("source_wait_sessions")),
        unacknowledged=count("source_no_tx"),
        replica_enabled=get("replica_enabled") == "ON",
        replica_active=get("replica_status") == "ON",
        replica_variable="rpl_semi_sync_slave_enabled"
        if "rpl_semi_sync_slave_enabled" in told
        else "rpl_semi_sync_replica_enabled",
    )


def _waiting(db: MySQL, counted: int) -> int:
    """Returns the commits that wait, by the server's counter and the process list; the larger of both."""
    if counted == 0:
        return 0
    return max(counted, sum(each.sessions for each in read_waiting_sessions(db) if each.kind in COMMITS))
