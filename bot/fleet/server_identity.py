"""The identity of a server and its role, primary or replica, as the server itself reports them."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Flavour, MySQL, Seconds
from actions.diagnostics.mysql.replica_status import replica_status
from actions.server_versions import processlist
from bot.config import Role
from bot.engine.ports import Identity
from bot.fleet.vitess.reader import VitessReader


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """The identity of a server, as it reports it."""

    server_uuid: str
    """The server_uuid; for MariaDB, which has none, server_id, host name and port."""
    hostname: str
    port: int
    read_only: bool
    is_replica: bool
    source: str
    """`host:port` of its source, or ''."""
    connected_replicas: int
    uptime: Seconds


def identify(db: MySQL) -> Identity:
    """Returns the identity and role of a server. A server that replicates is a replica, whatever its read_only is.

    A ProxySQL has no identity of its own, so its address and version identify it.
    """
    if isinstance(db, VitessReader):
        return db.identify()
    if db.version.flavour is Flavour.PROXYSQL:
        return Identity(f"{db.version} at {db.address}", Role.PROXY, f"it is the admin interface of {db.version}")
    seen = identity(db)
    if seen.is_replica:
        return Identity(seen.server_uuid, Role.REPLICA, f"it replicates from {seen.source}")
    writable = "read-only" if seen.read_only else "writable"
    says = f"it does not replicate, is {writable}, and has {seen.connected_replicas} connected replicas"
    return Identity(seen.server_uuid, Role.PRIMARY, says)


def identity(db: MySQL) -> ServerIdentity:
    """Reads the identity and the replication role of a server; raises Unreadable."""
    name = "CONCAT(@@server_id, '@', @@hostname, ':', @@port)" if db.version.is_mariadb else "@@server_uuid"
    row = db.rows(f"SELECT {name} AS name, @@hostname AS host, @@port AS port, @@GLOBAL.read_only AS ro")[0]
    status = replica_status(db)
    dumps = db.rows(
        f"SELECT COUNT(*) AS dumps FROM {processlist(db.version)} WHERE COMMAND LIKE 'Binlog Dump%'"  # noqa: S608
    )
    uptime = db.rows("SHOW GLOBAL STATUS LIKE 'Uptime'")
    return ServerIdentity(
        server_uuid=str(row["name"]),
        hostname=str(row["host"]),
        port=int(row["port"]),
        read_only=bool(int(row["ro"])),
        is_replica=status.configured,
        source=f"{status.source_host}:{status.source_port}" if status.configured else "",
        connected_replicas=int(dumps[0]["dumps"]),
        uptime=float(uptime[0]["Value"]),
    )
