"""A fleet of servers with one variable each, that remember what was executed on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from actions.contract import Flavour, MySQL, Row, ServerVersion, Statement
from actions.endpoint_contract import Endpoint, ProbeResult
from actions.replication_graph import MemberFacts
from actions.replication_sources import Source
from actions.shard_contract import MemberAnswer, ShardMembers
from bot.config import DatabaseUser, Instance, Role, Secret, Shard
from bot.engine.ports import Changer, Identity
from bot.engine.run import Run
from bot.engine.targets import Target
from bot.errors import Unreachable


def shard_of(name: str, replicas: int) -> Shard:
    """One primary, NAME-1, and so many replicas."""
    reader, changer = (DatabaseUser(user=user, password=Secret(env="NONE")) for user in ("reader", "changer"))
    instances = [Instance(name=f"{name}-1", host=f"{name}-1", role=Role.PRIMARY)]
    instances += [Instance(name=f"{name}-{n}", host=f"{name}-{n}", role=Role.REPLICA) for n in range(2, replicas + 2)]
    return Shard(name=name, flavour="mysql", reader=reader, changer=changer, instances=tuple(instances))


@dataclass
class Server:
    """One server with one variable."""

    address: str = "orders-2:3306"
    value: int = 100
    uuid: str = "uuid"
    role: Role = Role.REPLICA
    down: bool = False
    stuck: bool = False
    """It takes statements and does nothing."""
    executed: list[str] = field(default_factory=list)
    version: ServerVersion = field(default_factory=lambda: ServerVersion(Flavour.MYSQL, (9, 7, 4)))

    def rows(self, sql: str, params: Sequence[object] = (), *, limit: int = 200, costly: bool = False) -> list[Row]:
        if "open_files_limit" in params:
            return []  # it does not say how many files it may open
        return [{"Variable_name": str(params[0]) if params else "", "Value": str(self.value)}]

    def pause(self, seconds: float) -> None:
        """Nothing changes by itself here."""

    @property
    def reader(self) -> MySQL:
        return self

    def execute(self, statement: Statement, *, tag: str) -> None:
        self.executed.append(str(statement))
        if not self.stuck:
            self.value = int(str(statement).rsplit("=", 1)[1])


@dataclass(frozen=True)
class HttpIntake:
    """The port of such a server."""

    address: str
    shut: bool

    def probe(self) -> ProbeResult:
        return ProbeResult("refused") if self.shut else ProbeResult("open", greeted=True)


@dataclass
class Fleet:
    """Implements bot.engine.ports.Fleet over such servers."""

    shards: tuple[Shard, ...] = (shard_of("orders", 2),)
    servers: dict[str, Server] = field(default_factory=dict)
    prometheus: None = None
    log: list[tuple[str, str]] = field(default_factory=list)
    """Every statement with its server, in the order of all."""

    def __post_init__(self) -> None:
        for target in self.targets():
            server = Server(target.instance.address, uuid=f"uuid of {target.name}", role=target.instance.role)
            self.servers.setdefault(target.name, server)

    def targets(self) -> Sequence[Target]:
        return [Target(instance, shard) for shard in self.shards for instance in shard.instances]

    def find(self, name: str) -> Target:
        return next(target for target in self.targets() if target.name == name)

    def doubts(self, shard: Shard) -> str:
        return ""

    def find_by_labels(self, labels: Mapping[str, str]) -> Target | None:
        return None

    def _server(self, instance: Instance) -> Server:
        server = self.servers[instance.name]
        if server.down:
            raise Unreachable(f"{instance.address} does not accept connections. Look whether it is up.")
        return server

    def endpoint(self, shard: Shard, instance: Instance) -> Endpoint:
        return HttpIntake(instance.address, self.servers[instance.name].down)

    @contextmanager
    def read(self, shard: Shard, instance: Instance, reader: type = MySQL) -> Iterator[MySQL]:
        yield self._server(instance)

    @contextmanager
    def change(self, shard: Shard, instance: Instance, reader: type = MySQL) -> Iterator[Changer]:
        yield Logged(self._server(instance), instance.name, self.log)

    def members(self, shard: Shard) -> ShardMembers:
        return MembersOf(self, shard)

    def identify(self, db: MySQL) -> Identity:
        assert isinstance(db, Server)
        return Identity(db.uuid, db.role, "it says so")


@dataclass(frozen=True)
class MembersOf:
    """The members of a shard: each has the role that its server has, and the replicas follow the primary."""

    fleet: Fleet
    of: Shard

    @property
    def shard(self) -> str:
        return self.of.name

    def ask(self, question: Callable[[MySQL], Any]) -> tuple[MemberAnswer[Any], ...]:
        servers = {each.name: self.fleet.servers[each.name] for each in self.of.instances}
        first = next((s.address for s in servers.values() if s.role is Role.PRIMARY), "")
        found = []
        for each in self.of.instances:
            server, leads = servers[each.name], servers[each.name].role is Role.PRIMARY
            host, _, port = first.partition(":")
            sources = () if leads or not first else (Source(host, int(port)),)
            facts = None if server.down else MemberFacts(writable=leads, sources=sources)
            found.append(MemberAnswer(each.name, each.address, each.role.value, facts, "It is down." * server.down))
        return tuple(found)


@dataclass
class Logged:
    """A connection whose statements are remembered in the order of the whole fleet."""

    server: Server
    name: str
    log: list[tuple[str, str]]

    @property
    def reader(self) -> MySQL:
        return self.server

    def execute(self, statement: Statement, *, tag: str) -> None:
        self.log.append((self.name, str(statement)))
        self.server.execute(statement, tag=tag)


@dataclass
class Published:
    """A publisher that keeps the runs that it was given."""

    runs: list[Run] = field(default_factory=list)

    def publish(self, run: Run) -> None:
        self.runs.append(run)


class Everybody:
    """A directory in which all may do all."""

    def may(self, user: str, role: str, *, shard: str = "", risk: str = "", fresh: bool = False) -> tuple[bool, str]:
        return True, f"{user} holds {role}"
