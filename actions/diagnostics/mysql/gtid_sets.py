"""Which transactions a server has, by their GTIDs."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Cost, Flavour, MySQL, Unreadable, diagnostic

LONGEST = 60_000
"""Characters of a set that are taken; a set of a shard with many failovers has some ten thousand."""


@dataclass(frozen=True, slots=True)
class GtidSets:
    """The transactions of one server."""

    address: str = ""
    server: str = ""
    """How its own transactions are called: server_uuid in MySQL, server_id in MariaDB."""
    executed: str = ""
    """gtid_executed in MySQL; gtid_binlog_state in MariaDB, the last of each domain and server."""
    purged: str = ""
    """gtid_purged in MySQL."""
    enabled: bool = False
    """Whether the server names its transactions at all."""


@diagnostic(cost=Cost.LOW, needs={Flavour.MYSQL: (), Flavour.MARIADB: ()})
def gtid_sets(db: MySQL) -> GtidSets:
    """Reads gtid_executed and gtid_purged, or MariaDB's gtid_binlog_state."""
    if db.version.is_mariadb:
        row = db.rows("SELECT @@GLOBAL.server_id AS server, @@GLOBAL.gtid_binlog_state AS executed, '' AS purged")[0]
    else:
        row = db.rows(
            "SELECT @@GLOBAL.server_uuid AS server, @@GLOBAL.gtid_executed AS executed, @@GLOBAL.gtid_purged AS purged"
        )[0]
    executed, purged = (str(row[name] or "").replace("\n", "") for name in ("executed", "purged"))
    if len(executed) > LONGEST:
        raise Unreadable(f"The GTID set of {db.address} has {len(executed):,} characters; {LONGEST:,} are taken.")
    return GtidSets(db.address, str(row["server"]), executed, purged[:LONGEST], enabled=bool(executed))
