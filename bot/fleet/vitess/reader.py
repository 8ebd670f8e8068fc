"""Reads one shard of a cluster through one of its tablets; implements actions.vitess_contract.Vitess."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pymysql

from actions.contract import Flavour, MySQL, Row, Seconds, ServerVersion, Unreadable
from actions.vitess_contract import Component, ComponentAnswer, Request, Tablet, alias_of
from bot.config import Role, TabletShard, VitessCluster, VtgateSettings
from bot.config import Tablet as TabletInstance
from bot.engine.ports import Identity
from bot.errors import FirstmateError, Unreachable
from bot.fleet import connection_errors as failures
from bot.fleet.mysql_connections import Server, connect
from bot.fleet.mysql_sessions import bounded, wait
from bot.fleet.session_settings import MOST_ROWS
from bot.fleet.vitess.allowed_calls import check_page, check_rpc, check_show
from bot.fleet.vitess.status_pages import Pages
from bot.fleet.vitess.topology import arranged, record_of
from bot.fleet.vitess.vtctld import Vtctld

READ_WITHIN = 2.0
"""Seconds until a call or page times out; a call through a tablet that is gone hangs until then."""
AT_ONCE = 8
"""The number of parallel calls of one reader."""

Beneath = Callable[[TabletInstance], AbstractContextManager[MySQL]]
"""Connects to the MySQL of a tablet as the reader."""


@dataclass(frozen=True)
class Source:
    """The cluster and the clients that its readers share."""

    cluster: VitessCluster
    vtctld: Vtctld
    pages: Pages = field(default_factory=lambda: Pages(READ_WITHIN))


class VitessReader:
    """Implements actions.vitess_contract.Vitess."""

    def __init__(self, source: Source, shard: TabletShard, tablet: TabletInstance, mysql_of: Beneath) -> None:
        self._source = source
        self._shard = shard
        self._tablet = tablet
        self._connect = mysql_of
        self._opened: dict[str, MySQL] = {}
        self._stack = ExitStack()
        self._pool = ThreadPoolExecutor(AT_ONCE, "vitess")

    @property
    def version(self) -> ServerVersion:
        """Vitess without a version, since each component reports its own (GetVersion)."""
        return ServerVersion(Flavour.VITESS, (0, 0, 0))

    @property
    def address(self) -> str:
        return self._shard.name

    @property
    def cluster(self) -> str:
        return self._shard.cluster

    @property
    def keyspace(self) -> str:
        return self._shard.keyspace

    @property
    def shard(self) -> str:
        return self._shard.key_range

    @property
    def tablet(self) -> str:
        return self._tablet.record.alias

    def rows(self, sql: str, params: Sequence[object] = (), *, limit: int = 200, costly: bool = False) -> list[Row]:
        """Runs a statement on the MySQL of the target's tablet."""
        return self.mysql_of(self.tablet).rows(sql, params, limit=limit, costly=costly)

    def pause(self, seconds: Seconds) -> None:
        """Waits between two samples of a counter."""
        wait(seconds)

    def tablets(self, *, of_keyspace: bool = False) -> tuple[Tablet, ...]:
        """Returns the tablets of the current topology; see the contract."""
        within = {"keyspace": self.keyspace} if of_keyspace else {"keyspace": self.keyspace, "shard": self.shard}
        found = [record_of(each) for each in self.rpc("GetTablets", **within).get("tablets", ())]
        return tuple(sorted(found, key=lambda each: (each.shard, each.alias)))

    def identify(self) -> Identity:
        """Returns the identity by the topology; that of a primary includes its term, so that a failover changes it."""
        known = self.tablets()
        own = next((each for each in known if each.alias == self.tablet), None)
        if own is None:
            raise Unreadable(f"The tablet {self.tablet} is no longer in {self.address} of the topology.")
        newest = max((each.primary_since or 0.0 for each in known if each.type == "PRIMARY"), default=0.0)
        server = f"{own.alias} at {own.mysql_hostname}:{own.mysql_port}"
        if own.type == "PRIMARY" and (own.primary_since or 0.0) >= newest:
            since = datetime.fromtimestamp(own.primary_since or 0.0, UTC)
            says = f"the topology lists it as PRIMARY since {since:%Y-%m-%d %H:%M:%S} UTC"
            return Identity(f"{server}, primary since {own.primary_since}", Role.PRIMARY, says)
        return Identity(server, Role.REPLICA, f"the topology lists it as {own.type}")

    def rpc(self, name: str, /, **request: Any) -> Mapping[str, Any]:  # noqa: ANN401 - JSON
        """Calls a reading RPC; see the contract."""
        check_rpc(name)
        try:
            return self._source.vtctld.call(name, request, timeout=READ_WITHIN)
        except Unreachable as error:
            raise Unreadable(str(error)) from error

    def rpcs(self, name: str, requests: Sequence[Request]) -> tuple[ComponentAnswer, ...]:
        """Makes several calls in parallel; see the contract."""

        def one(request: Request) -> ComponentAnswer:
            who = alias_of(request.get("tablet_alias")) or self._source.vtctld.address
            try:
                return ComponentAnswer(who, self.rpc(name, **request))
            except Unreadable as error:
                return ComponentAnswer(who, error=str(error))

        return tuple(self._pool.map(one, requests))

    def web(self, component: Component, path: str, *, tablet: str = "") -> tuple[ComponentAnswer, ...]:
        """Reads a page of each component; see the contract."""
        check_page(component, path)
        pages = self._source.pages
        return self._each(component, tablet, lambda base: pages.page(f"{base}{path}"))

    def metrics(self, component: Component, *names: str, tablet: str = "") -> tuple[ComponentAnswer, ...]:
        """Reads metrics of each component; see the contract."""
        pages = self._source.pages
        return self._each(component, tablet, lambda base: pages.metrics(f"{base}/metrics", names))

    def vtgate(self, sql: str, *, use: str = "", limit: int = 200) -> list[Row]:
        """Runs a statement on the first vtgate that answers; see the contract."""
        check_show(sql)
        failed = []
        for each in self._source.cluster.vtgates:
            if each.mysql is None:
                continue
            try:
                return show(each, sql, use, limit)
            except FirstmateError as error:
                failed.append(str(error))
        raise Unreadable(
            " ".join(failed[:2]) or f"No vtgate of the cluster {self.cluster} has `mysql` in firstmate.yml."
        )

    def mysql_of(self, tablet: str) -> MySQL:
        """Returns a reader of the MySQL of a tablet, which stays open until this reader is closed."""
        if tablet not in self._opened:
            instance = self._instance(tablet)
            if instance is None:
                raise Unreadable(f"There is no tablet {tablet} in the keyspace {self.keyspace}.")
            try:
                self._opened[tablet] = self._stack.enter_context(self._connect(instance))
            except FirstmateError as error:
                raise Unreadable(str(error)) from error
        return self._opened[tablet]

    def close(self) -> None:
        """Closes all connections; running calls end with their own timeouts."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._stack.close()

    def _each(self, component: Component, tablet: str, read: Callable[[str], Any]) -> tuple[ComponentAnswer, ...]:
        def one(place: tuple[str, str]) -> ComponentAnswer:
            who, base = place
            try:
                return ComponentAnswer(who, read(base))
            except FirstmateError as error:
                return ComponentAnswer(who, error=str(error))

        return tuple(self._pool.map(one, self._bases(component, tablet)))

    def _bases(self, component: Component, tablet: str) -> list[tuple[str, str]]:
        cluster = self._source.cluster
        if component is Component.VTORC:
            return [(url, url) for url in cluster.vtorcs]
        if component is Component.VTGATE:
            return [(each.url, each.url) for each in cluster.vtgates]
        named = self._instance(tablet) if tablet else None
        instances = self._shard.instances if not tablet else (named,)
        records = [each.record for each in instances if isinstance(each, TabletInstance)]
        return [(each.alias, f"http://{each.hostname}:{each.web_port}") for each in records]

    def _instance(self, alias: str) -> TabletInstance | None:
        """Finds a tablet of the shard, or, by the topology, of another shard of the keyspace."""
        own = next((each for each in self._shard.instances if _alias(each) == alias), None)
        if isinstance(own, TabletInstance):
            return own
        shards = arranged(self._source.cluster, self.tablets(of_keyspace=True))
        others = (each for shard in shards for each in shard.instances if isinstance(each, TabletInstance))
        return next((each for each in others if each.record.alias == alias), None)


@contextmanager
def open_reader(source: Source, shard: TabletShard, tablet: TabletInstance, beneath: Beneath) -> Iterator[VitessReader]:
    """Opens a reader and closes it at the end; it connects only when it is used."""
    reader = VitessReader(source, shard, tablet, beneath)
    try:
        yield reader
    finally:
        reader.close()


def show(vtgate: VtgateSettings, sql: str, use: str, limit: int) -> list[Row]:
    """Runs a SHOW statement on a vtgate with `mysql`; raises Unreachable."""
    assert vtgate.mysql is not None
    host, _, port = vtgate.mysql.rpartition(":")
    password = vtgate.password.read() if vtgate.password else ""
    server = Server(host, int(port), vtgate.user, password, None, vtgate.ca, vtgate.verify_identity)
    with connect(server, read_timeout=READ_WITHIN) as connection:
        cursor = connection.cursor()
        try:
            if use:
                cursor.execute(f"USE `{use.replace('`', '')}`")
            cursor.execute(sql)
            return bounded(cursor, min(limit, MOST_ROWS), server.address, sql)
        except pymysql.MySQLError as error:
            raise Unreachable(failures.asking(error, server.address, sql)) from error


def _alias(instance: object) -> str:
    return instance.record.alias if isinstance(instance, TabletInstance) else ""
