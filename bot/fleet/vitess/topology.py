"""The inventory of a cluster: the shards and tablets of its topology.

The topology is read every few seconds. If it cannot be read, the last inventory stays in use for reading; once it is
stale, every change is refused with its age.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from actions.contract import Seconds
from actions.vitess_contract import Tablet as Record
from actions.vitess_contract import alias_of
from bot.config import Role, Tablet, TabletShard, VitessCluster
from bot.errors import FirstmateError, Unreachable
from bot.fleet.vitess.vtctld import Vtctld

log = logging.getLogger(__name__)

READ_WITHIN = 5.0
"""Seconds until reading the records of all tablets times out."""
FIRST_WITHIN = 3.0
"""Seconds that the first call waits for the first read."""
STALE_AFTER = 3
"""Refresh intervals after which an inventory counts as stale; at least SHORTEST seconds."""
SHORTEST = 3.0
"""Seconds for which an inventory is never stale."""


class Topology:
    """The shards of one cluster, kept up to date by a thread that starts with the first call."""

    def __init__(self, cluster: VitessCluster, vtctld: Vtctld, *, qualified: bool) -> None:
        """`qualified` prefixes shards and tablets with the name of the cluster, since there are several."""
        self.cluster = cluster
        self._vtctld = vtctld
        self._prefix = f"{cluster.name}:" if qualified else ""
        self._records: list[Record] = []
        self._shards: tuple[TabletShard, ...] = ()
        self._read_at: float | None = None
        self._failed = "it has not been read yet"
        self._attempted = threading.Event()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def shards(self) -> tuple[TabletShard, ...]:
        """Returns the shards as last read; the first call waits for the first read."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name=f"topology-{self.cluster.name}", daemon=True)
                self._thread.start()
        self._attempted.wait(FIRST_WITHIN)
        return self._shards

    @property
    def age(self) -> Seconds | None:
        """Seconds since the topology was last read; None if it never was."""
        return None if self._read_at is None else time.monotonic() - self._read_at

    @property
    def doubts(self) -> str:
        """Why the inventory may be outdated; '' if it is fresh."""
        age = self.age
        if age is not None and age <= max(SHORTEST, STALE_AFTER * self.cluster.refresh):
            return ""
        since = "has never been read" if age is None else f"was last read {age:.0f} s ago"
        reason = f" ({self._failed})" if self._failed else ""
        return (
            f"The topology of the cluster {self.cluster.name} {since}{reason}. Firstmate changes nothing in "
            "the cluster until it can be read again. Check vtctld and the topology servers."
        )

    def refresh(self) -> None:
        """Reads the topology now; on an error it raises FirstmateError and keeps the last inventory."""
        try:
            records = read(self._vtctld, self.cluster.keyspaces)
            if records != self._records:  # an inventory is rebuilt only after a change
                self._records, self._shards = records, arranged(self.cluster, records, self._prefix)
            self._read_at, self._failed = time.monotonic(), ""
        except FirstmateError as error:
            self._failed = str(error).rstrip(".")
            raise
        finally:
            self._attempted.set()

    def close(self) -> None:
        """Ends the thread."""
        self._over.set()
        self._vtctld.close()

    def _watch(self) -> None:
        while not self._over.is_set():
            try:
                self.refresh()
            except FirstmateError as error:
                log.warning("the topology of %s could not be read: %s", self.cluster.name, error)
            except Exception:
                # The thread must survive an unexpected record.
                log.exception("the topology of %s could not be processed", self.cluster.name)
                self._failed = "its records could not be processed; the log of the bot has the details"
                self._attempted.set()
            self._over.wait(self.cluster.refresh)


def read(vtctld: Vtctld, keyspaces: Sequence[str]) -> list[Record]:
    """Reads the records of all tablets of these keyspaces; raises Unreachable."""
    answer = vtctld.call("GetTablets", {"strict": False}, timeout=READ_WITHIN)
    records = [record_of(each) for each in answer.get("tablets", ())]
    wanted = [each for each in records if any(fnmatchcase(each.keyspace, pattern) for pattern in keyspaces)]
    if not wanted and not records:
        raise Unreachable(f"vtctld at {vtctld.address} returned no tablets.")
    return wanted


def record_of(tablet: Mapping[str, Any]) -> Record:
    """Converts the JSON record of a tablet (topodata.proto, Tablet)."""
    ports = tablet.get("port_map", {})
    alias = tablet.get("alias", {})
    term = tablet.get("primary_term_start_time", {})
    since = float(term.get("seconds", 0)) + float(term.get("nanoseconds", 0)) / 1e9
    return Record(
        alias=alias_of(alias),
        cell=str(alias.get("cell", "")),
        uid=int(alias.get("uid", 0)),
        keyspace=str(tablet.get("keyspace", "")),
        shard=str(tablet.get("shard", "")),
        type=str(tablet.get("type", "UNKNOWN")),
        hostname=str(tablet.get("hostname", "")),
        web_port=int(ports.get("vt", 0)),
        grpc_port=int(ports.get("grpc", 0)),
        mysql_hostname=str(tablet.get("mysql_hostname", "") or tablet.get("hostname", "")),
        mysql_port=int(tablet.get("mysql_port", 0)),
        primary_since=since or None,
    )


def arranged(cluster: VitessCluster, records: Sequence[Record], prefix: str = "") -> tuple[TabletShard, ...]:
    """Groups tablets into shards, sorted by name. Pure.

    If several tablets are PRIMARY, as briefly after a failover, the one with the newest term is the primary; the others
    count as replicas.
    """
    by_shard: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        by_shard.setdefault((record.keyspace, record.shard), []).append(record)
    return tuple(
        _shard(cluster, keyspace, key_range, sorted(found, key=lambda each: each.alias), prefix)
        for (keyspace, key_range), found in sorted(by_shard.items())
    )


def _shard(
    cluster: VitessCluster, keyspace: str, key_range: str, records: Sequence[Record], prefix: str
) -> TabletShard:
    primaries = [each for each in records if each.type == "PRIMARY"]
    primary = max(primaries, key=lambda each: each.primary_since or 0.0, default=None)
    return TabletShard(
        name=f"{prefix}{keyspace}/{key_range}",
        flavour="mysql",
        instances=tuple(_instance(each, each is primary, prefix) for each in records),
        reader=cluster.reader,
        changer=cluster.changer,
        cluster=cluster.name,
        keyspace=keyspace,
        key_range=key_range,
        may_change=cluster.may_change,
        no_vtorc=cluster.no_vtorc,
    )


def _instance(record: Record, is_primary: bool, prefix: str) -> Tablet:
    short = f"{record.cell}-{record.uid}"
    ports = [port for port in (record.web_port, record.grpc_port) if port]
    return Tablet(
        name=f"{prefix}{record.alias}",
        host=record.mysql_hostname,
        port=record.mysql_port,
        role=Role.PRIMARY if is_primary else Role.REPLICA,
        aliases=(f"{prefix}{short}", *(f"{record.hostname}:{port}" for port in ports)),
        record=record,
    )
