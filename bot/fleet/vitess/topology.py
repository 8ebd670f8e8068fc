"""The inventory of a cluster: its shards and tablets, as the topology has them.

It is read again every few seconds. A topology that cannot be read leaves the last one in force, and it is told how old
that is: nothing is changed by it.
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
"""Seconds for the records of all tablets."""
FIRST_WITHIN = 3.0
"""Seconds that a start waits for the first look."""
STALE_AFTER = 3
"""Looks that fail in a row before an inventory counts as stale; never sooner than SHORTEST seconds."""
SHORTEST = 3.0


class Topology:
    """The shards of one cluster, kept fresh by a thread of its own, which begins when somebody first asks."""

    def __init__(self, cluster: VitessCluster, vtctld: Vtctld, *, qualified: bool) -> None:
        """`qualified` puts the name of the cluster before those of shards and tablets: there are several clusters."""
        self.cluster = cluster
        self._vtctld = vtctld
        self._prefix = f"{cluster.name}:" if qualified else ""
        self._records: list[Record] = []
        self._shards: tuple[TabletShard, ...] = ()
        self._read_at: float | None = None
        self._failed = "it was not read yet"
        self._looked = threading.Event()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def shards(self) -> tuple[TabletShard, ...]:
        """The shards as last read; the first call waits for the first look."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name=f"topology-{self.cluster.name}", daemon=True)
                self._thread.start()
        self._looked.wait(FIRST_WITHIN)
        return self._shards

    @property
    def age(self) -> Seconds | None:
        """Seconds since the topology was read; None where it never was."""
        return None if self._read_at is None else time.monotonic() - self._read_at

    @property
    def doubts(self) -> str:
        """Why the inventory may be wrong by now; '' where it is fresh."""
        age = self.age
        if age is not None and age <= max(SHORTEST, STALE_AFTER * self.cluster.refresh):
            return ""
        since = "never" if age is None else f"{age:.0f} s ago"
        return (
            f"The topology of the cluster {self.cluster.name} was read {since} for the last time ({self._failed}). "
            "Look after vtctld and the topology servers; until then nothing is changed by it."
        )

    def look(self) -> None:
        """Reads the topology now; raises FirstmateError, and keeps what was known."""
        try:
            records = read(self._vtctld, self.cluster.keyspaces)
            if records != self._records:  # an inventory is made anew where something changed
                self._records, self._shards = records, arranged(self.cluster, records, self._prefix)
            self._read_at, self._failed = time.monotonic(), ""
        except FirstmateError as error:
            self._failed = str(error).rstrip(".")
            raise
        finally:
            self._looked.set()

    def close(self) -> None:
        """Ends the thread."""
        self._over.set()
        self._vtctld.close()

    def _watch(self) -> None:
        while not self._over.is_set():
            try:
                self.look()
            except FirstmateError as error:
                log.warning("the topology of %s could not be read: %s", self.cluster.name, error)
            except Exception:
                # The edge of the thread: a record that nobody expected must not end the looking.
                log.exception("the topology of %s could not be understood", self.cluster.name)
                self._failed = "its records could not be understood; the bot's log has more"
                self._looked.set()
            self._over.wait(self.cluster.refresh)


def read(vtctld: Vtctld, keyspaces: Sequence[str]) -> list[Record]:
    """The records of all tablets of these keyspaces; raises Unreachable."""
    answer = vtctld.call("GetTablets", {"strict": False}, timeout=READ_WITHIN)
    records = [record_of(each) for each in answer.get("tablets", ())]
    wanted = [each for each in records if any(fnmatchcase(each.keyspace, pattern) for pattern in keyspaces)]
    if not wanted and not records:
        raise Unreachable(f"vtctld at {vtctld.address} knows no tablets at all.")
    return wanted


def record_of(tablet: Mapping[str, Any]) -> Record:
    """A tablet out of its record as JSON (topodata.proto, Tablet)."""
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
    """The shards of these tablets, in the order of their names. Pure.

    Of several tablets that call themselves PRIMARY, as for a moment after a failover, the one of the newest term is the
    primary; the others count as replicas.
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
