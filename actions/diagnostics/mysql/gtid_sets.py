"""The GTID sets of a server."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Cost, Flavour, MySQL, Unreadable, diagnostic

LONGEST = 60_000
"""Characters of a set that are accepted; the set of a shard with many failovers has about ten thousand."""


@dataclass(frozen=True, slots=True)
class GtidSets:
    """The transactions of one server."""

    address: str = ""
    """`host:port` of the server."""
    server: str = ""
    """The source of its own transactions in a GTID: server_uuid in MySQL, server_id in MariaDB."""
    executed: str = ""
    """gtid_executed in MySQL; gtid_binlog_state in MariaDB, the last GTID of each domain and server."""
    purged: str = ""
    """gtid_purged in MySQL; '' in MariaDB."""
    enabled: bool = False
    """Whether the server assigns GTIDs."""


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
        raise Unreadable(f"The GTID set of {db.address} has {len(executed):,} characters; the limit is {LONGEST:,}.")
    return GtidSets(db.address, str(row["server"]), executed, purged[:LONGEST], enabled=bool(executed))
