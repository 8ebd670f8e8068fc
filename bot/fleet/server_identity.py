"""The identity of a server and its role, primary or replica, as the server itself reports them."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Flavour, MySQL, Seconds
from actions.replication_sources import sources
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
    """Whether it replicates now, or was stopped and is read-only. A writable server whose replication is stopped may
    have been promoted."""
    source: str
    """`host:port` of its source, or ''."""
    follows: bool
    """Whether it replicates now, or keeps trying to."""
    connected_replicas: int
    uptime: Seconds


def identify(db: MySQL) -> Identity:
    """Returns the identity of a server, and its role as far as it can tell alone.

    A server that replicates is a replica, whatever its read_only is. One whose replication is stopped is a replica only
    while it is read-only: otherwise it may have been promoted.

    A ProxySQL has no identity of its own, so its address and version identify it.
    """
    if isinstance(db, VitessReader):
        return db.identify()
    if db.version.flavour is Flavour.PROXYSQL:
        return Identity(f"{db.version} at {db.address}", Role.PROXY, f"it is the admin interface of {db.version}")
    seen = identity(db)
    if seen.is_replica:
        replicates = "replicates" if seen.follows else "is configured to replicate"
        return Identity(seen.server_uuid, Role.REPLICA, f"it {replicates} from {seen.source}")
    writable = "read-only" if seen.read_only else "writable"
    does = f"its replication from {seen.source} is stopped" if seen.source else "it does not replicate"
    says = f"{does}, it is {writable}, and has {seen.connected_replicas} connected replicas"
    return Identity(seen.server_uuid, Role.PRIMARY, says)


def identity(db: MySQL) -> ServerIdentity:
    """Reads the identity and the replication role of a server; raises Unreadable."""
    name = "CONCAT(@@server_id, '@', @@hostname, ':', @@port)" if db.version.is_mariadb else "@@server_uuid"
    row = db.rows(f"SELECT {name} AS name, @@hostname AS host, @@port AS port, @@GLOBAL.read_only AS ro")[0]
    channels = sources(db)
    follows = any(each.receiver_running for each in channels)
    dumps = db.rows(
        f"SELECT COUNT(*) AS dumps FROM {processlist(db.version)} WHERE COMMAND LIKE 'Binlog Dump%'"  # noqa: S608
    )
    uptime = db.rows("SHOW GLOBAL STATUS LIKE 'Uptime'")
    read_only = str(row["ro"]).upper() not in ("0", "OFF")
    return ServerIdentity(
        server_uuid=str(row["name"]),
        hostname=str(row["host"]),
        port=int(row["port"]),
        read_only=read_only,
        is_replica=follows or (bool(channels) and read_only),
        source=channels[0].address if channels else "",
        follows=follows,
        connected_replicas=int(dumps[0]["dumps"]),
        uptime=float(uptime[0]["Value"]),
    )
