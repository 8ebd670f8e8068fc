"""The proxies of a shard: where steps and remedies mean them, and a server that is drained there, end to end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from actions.contract import MySQL, Row
from actions.remediations.proxysql.drain_server import DrainServer
from bot.config import DatabaseUser, Instance, Proxies, ProxyInstance, Role, Secret, Shard
from bot.engine.gather_evidence import Gathered, Gatherer
from bot.engine.instance_selector import select
from bot.engine.planner import blast_radius
from bot.engine.policy_facts import Limits
from bot.engine.ports import Changer, Identity
from bot.engine.run import Run, RunState, StepStatus
from bot.engine.sweep.run_sweep import Sweeps
from bot.engine.target_selection import changed_at, out_of_place, places
from bot.engine.targets import Target
from bot.errors import NotAllowed, UnknownTarget, WrongUsage
from bot.fleet import proxysql_sessions
from bot.fleet.mysql_connections import Server as Address
from bot.lab.proxysql.admin import Admin
from bot.lab.proxysql.server import ADMIN, PASSWORDS, STATS, ProxySQLServer
from bot.policy import Policy
from bot.runbook.language.schema import Runbook
from bot.runbook.language.schema_base import Selector
from bot.store.database import Database
from tests.engine.scene import Scene
from tests.engine.servers import Fleet, Server, shard_of
from tests.proxysql_fixture import READERS, WRITERS
from tests.samples import run

DRAIN = {"use": "proxysql.drain_server", "on": "proxies", "with": {"host": "orders-2"}}
WHERE = "hostname = 'orders-2' AND port = 3306 AND hostgroup_id IN (20)"
OUT = f"UPDATE mysql_servers SET status = 'OFFLINE_SOFT' WHERE {WHERE}"
BEHIND = [(WRITERS, "orders-1", 3306), *[(READERS, f"orders-{number}", 3306) for number in (2, 3, 4)]]
DRAINED = (READERS, "orders-2", 3306)


def behind(shard: Shard, *ports: int, cluster: bool = False) -> Shard:
    """The shard with proxies in front of it."""
    instances = tuple(
        ProxyInstance(name=f"{shard.name}-proxy-{number}", host="127.0.0.1", port=port)
        for number, port in enumerate(ports, 1)
    )
    reader, changer = (DatabaseUser(user=user, password=Secret(env="NONE")) for user in (STATS, ADMIN))
    proxies = Proxies(reader=reader, changer=changer, instances=instances, cluster=cluster)
    return shard.model_copy(update={"proxies": proxies})


@dataclass
class Replicating(Server):
    """A server that says whether it replicates."""

    running: bool = True

    def rows(self, sql: str, params: Sequence[object] = (), *, limit: int = 200, costly: bool = False) -> list[Row]:
        if "STATUS" not in sql:
            return []
        says = "Yes" if self.running else "No"
        return [{"Channel_Name": "", "Replica_IO_Running": says, "Replica_SQL_Running": says}]


@dataclass
class Mixed(Fleet):
    """Servers that are made up, behind stand-ins for ProxySQL that are asked over the network."""

    def __post_init__(self) -> None:
        for target in super().targets():
            server = Replicating(target.instance.address, uuid=f"uuid of {target.name}", role=target.instance.role)
            self.servers.setdefault(target.name, server)

    def targets(self) -> Sequence[Target]:
        return [Target(instance, shard) for shard in self.shards for instance in shard.members]

    def find(self, name: str) -> Target:
        for target in self.targets():
            if name in (target.name, target.instance.address):
                return target
        raise UnknownTarget(f"The inventory knows no instance {name!r}.")

    @contextmanager
    def read(self, shard: Shard, instance: Instance, reader: type = MySQL) -> Iterator[MySQL]:
        if instance.role is Role.PROXY:
            with proxysql_sessions.open_reader(Address(instance.host, instance.port, STATS, PASSWORDS[STATS])) as db:
                yield db
        else:
            yield self._server(instance)

    @contextmanager
    def change(self, shard: Shard, instance: Instance, reader: type = MySQL) -> Iterator[Changer]:
        assert instance.role is Role.PROXY
        with proxysql_sessions.open_changer(Address(instance.host, instance.port, ADMIN, PASSWORDS[ADMIN])) as hand:
            yield hand

    def identify(self, db: MySQL) -> Identity:
        if isinstance(db, Server):
            return super().identify(db)
        return Identity(f"{db.version} at {db.address}", Role.PROXY, "it says so")


@dataclass
class Front:
    """A shard of three replicas behind two stand-ins, and an approved change there."""

    database: Database
    stand_ins: list[ProxySQLServer]
    cluster: bool = False
    remedy: Mapping[str, Any] = field(default_factory=lambda: DRAIN)
    policy: Policy = field(default_factory=Policy)

    def __post_init__(self) -> None:
        shard = behind(shard_of("orders", 3), *(each.port for each in self.stand_ins), cluster=self.cluster)
        self.fleet = Mixed((shard, shard_of("billing", 1)))
        self.scene = Scene(
            self.database, policy=self.policy, remedy=self.remedy, run=run(target="orders-2"), fleet=self.fleet
        )

    @property
    def statuses(self) -> list[str]:
        """Of orders-2, at each proxy."""
        return [each.admin.status(DRAINED) for each in self.stand_ins]

    def changed(self) -> Run:
        """The change is approved and made."""
        self.scene.approve()
        return self.scene.advance()


@pytest.fixture
def stand_ins() -> Iterator[list[ProxySQLServer]]:
    with ExitStack() as opened:
        yield [opened.enter_context(ProxySQLServer(Admin(BEHIND, [(WRITERS, READERS)]))) for _ in range(2)]


@pytest.fixture
def front(database: Database, stand_ins: list[ProxySQLServer]) -> Callable[..., Front]:
    return lambda **given: Front(database, stand_ins, **given)


# -- where steps and remedies mean proxies ----------------------------------------------------------------------------

SHARD = behind(shard_of("orders", 2), 6032, 6033)
ALONE = shard_of("billing", 1)
INVENTORY = [Target(instance, shard) for shard in (SHARD, ALONE) for instance in shard.members]
REPLICA, PROXY = INVENTORY[1], INVENTORY[3]


def names(where: Any, target: Target = REPLICA) -> list[str]:
    return [each.name for each in places(where, target, INVENTORY)]


def test_proxies_are_a_place_of_their_own_and_in_no_other():
    assert names("proxies") == names("proxies", PROXY) == ["orders-proxy-1", "orders-proxy-2"]
    assert names("shard") == ["orders-2", "orders-3", "orders-1"]
    assert names("replicas", PROXY) == ["orders-2", "orders-3"]
    assert names("primary", PROXY) == ["orders-1"]
    assert names("target", PROXY) == ["orders-proxy-1"]
    assert REPLICA.replicas == PROXY.replicas == SHARD.instances[1:]


def test_a_selector_means_proxies_only_where_it_says_so():
    assert names(Selector(name="orders-*")) == ["orders-1", "orders-2", "orders-3"]
    assert names(Selector(shard="*")) == ["orders-1", "orders-2", "orders-3", "billing-1", "billing-2"]
    assert names(Selector(role="proxy", name="*-2")) == ["orders-proxy-2"]
    with pytest.raises(UnknownTarget, match="No instance in the inventory matches role proxy"):
        names(Selector(role="proxy", shard="billing"))


def test_a_shard_without_proxies_has_none():
    billing = next(each for each in INVENTORY if each.shard is ALONE)
    assert places("proxies", billing, INVENTORY) == ()


def test_a_cluster_is_changed_at_its_first_proxy_alone():
    cluster = behind(shard_of("orders", 2), 6032, 6033, cluster=True)
    members = [Target(instance, cluster) for instance in cluster.members]
    assert [each.name for each in changed_at(members)] == ["orders-1", "orders-2", "orders-3", "orders-proxy-1"]
    assert changed_at(INVENTORY) == INVENTORY


def test_an_action_of_proxies_is_not_used_on_a_server_nor_the_other_way_round():
    assert out_of_place("proxysql.drain_server", DrainServer.reader, PROXY) == ""
    assert out_of_place("mysql.x", MySQL, REPLICA) == ""
    assert "is for proxies, and orders-2 is a replica" in out_of_place("proxysql.x", DrainServer.reader, REPLICA)
    assert "is for servers, and orders-proxy-1 is a proxy" in out_of_place("mysql.x", MySQL, PROXY)


def gathered(fleet: Fleet, target: str, **steps: Any) -> Gathered:
    runbook = Runbook.model_validate({"runbook": "x", "title": "x", "owner": "me", "gather": steps})
    gatherer = Gatherer(fleet)
    try:
        return gatherer.gather(runbook, fleet.find(target), {}, {}, lambda _: None)
    finally:
        gatherer.close()


def test_a_step_asks_all_proxies_of_the_shard(front):
    fleet = front().fleet
    asked = {"use": "proxysql.backends", "on": "proxies", "with": {"server": "{{ target.address }}"}}
    found = gathered(fleet, "orders-2", backends=asked).evidence["backends"]
    assert isinstance(found, list)
    assert [[backend.server for backend in each.backends] for each in found] == [["orders-2:3306"]] * 2
    assert gathered(fleet, "billing-2", backends=asked).evidence["backends"] == []


def test_a_step_that_asks_a_proxy_what_only_servers_know_fails_with_a_sentence(front):
    fleet = front().fleet
    asked = gathered(fleet, "orders-proxy-1", replica={"use": "mysql.replica_status"}).steps[0]
    assert asked.status is StepStatus.FAILED
    assert "orders-proxy-1 is a proxy" in asked.says
    asked = gathered(fleet, "orders-2", backends={"use": "proxysql.backends"}).steps[0]
    assert "use `on: proxies`" in asked.says


def test_a_proxy_that_does_not_answer_is_named_and_the_others_count(front, stand_ins):
    scene = front()
    stand_ins[0].close()
    asked = {"use": "proxysql.backends", "on": "proxies"}
    found = gathered(scene.fleet, "orders-2", backends=asked)
    assert found.steps[0].says.startswith("orders-proxy-1: ")
    assert len(found.evidence["backends"]) == 1  # type: ignore[arg-type]


def test_triage_of_a_proxy_runs_the_runbook_of_proxies(front):
    commands = front().scene.commands
    assert commands.triage("U0ALICE", "orders-proxy-1", "C0DBALERTS").runbook == "proxysql/backends"
    assert commands.triage("U0ALICE", "orders-3", "C0DBALERTS").runbook == "mysql/first-look"


# -- a server is drained ----------------------------------------------------------------------------------------------


def test_it_goes_out_of_service_at_one_proxy_after_the_other_and_comes_back(front):
    scene = front()
    ended = scene.changed()
    assert ended.state is RunState.MENDED
    assert scene.statuses == ["OFFLINE_SOFT", "OFFLINE_SOFT"]
    assert ended.plan is not None
    assert [(each.wave, each.target) for each in ended.plan.changes] == [(0, "orders-proxy-1"), (1, "orders-proxy-2")]
    assert ended.plan.statements == (OUT, "LOAD MYSQL SERVERS TO RUNTIME") * 2
    assert ended.plan.blast_radius == "2 of 2 proxies of orders and orders-2:3306 out of service"
    assert ended.plan.risk == "disruptive"
    assert scene.scene.advance("undo-1-U0BOB").state is RunState.UNDONE
    assert scene.statuses == ["ONLINE", "ONLINE"]


def test_a_cluster_hands_it_on_by_itself(front):
    scene = front(cluster=True)
    assert scene.changed().state is RunState.MENDED
    assert scene.statuses == ["OFFLINE_SOFT", "ONLINE"]  # the stand-ins are no cluster


def test_connections_that_stay_in_use_stop_it_before_the_next_proxy(front, stand_ins, monkeypatch):
    monkeypatch.setattr(DrainServer, "settles_within", 0.2)
    stand_ins[0].admin.set_connections(DRAINED, 3)
    scene = front()
    ended = scene.changed()
    assert ended.state is RunState.FAILED
    assert "3 of its connections are still in use" in ended.says
    assert scene.statuses == ["OFFLINE_SOFT", "ONLINE"]


def test_an_edit_that_waits_is_not_loaded_and_nothing_is_changed(front, stand_ins):
    stand_ins[0].admin.edit("UPDATE mysql_servers SET weight = 5 WHERE hostname = 'orders-3'")
    scene = front()
    ended = scene.changed()
    assert ended.state is RunState.REFUSED
    assert "has pending edits of its servers" in ended.outcomes[0].says
    assert scene.statuses == ["ONLINE", "ONLINE"]


def test_one_that_somebody_drained_meanwhile_is_refused(front, stand_ins):
    scene = front()
    scene.scene.approve()
    for sql in (OUT, "LOAD MYSQL SERVERS TO RUNTIME"):
        stand_ins[0].admin.edit(sql)
    ended = scene.scene.advance()
    assert ended.state is RunState.REFUSED
    assert "Someone took it out of service" in ended.says
    assert scene.statuses == ["OFFLINE_SOFT", "ONLINE"]


def refused(front: Front) -> str:
    """What the thread says where no statement may reach a proxy."""
    ended = front.changed()
    assert ended.state is RunState.REFUSED
    assert not any(kind == "admin" for each in front.stand_ins for kind, _ in each.admin.received)
    return ended.says


def test_the_serving_floor_counts_the_drained_server_once(front):
    scene = front(policy=Policy(serving_floor=2))
    floor = Limits(scene.fleet, scene.scene.store, scene.policy).floor(scene.scene.plan())
    assert floor is not None
    assert (floor.serving, floor.taken_out, floor.least) == (3, 1, 2)
    assert scene.changed().state is RunState.MENDED


def test_below_the_serving_floor_nothing_is_drained(front):
    scene = front(policy=Policy(serving_floor=2))
    scene.fleet.servers["orders-4"] = Replicating("orders-4:3306", running=False)
    assert "2 replicas of orders serve; the plan takes 1 out of service; 2 must stay" in refused(scene)


def test_the_blast_radius_counts_the_drained_server_and_no_proxy(front):
    scene = front()
    radius = Limits(scene.fleet, scene.scene.store, scene.policy).radius(scene.scene.plan())
    assert radius is not None
    assert (radius.changed, radius.replicas) == (1, 3)


def test_the_primary_of_the_inventory_is_not_drained_whatever_the_proxy_knows(front, stand_ins):
    for each in stand_ins:
        for host in ("orders-1", "elsewhere"):
            each.admin.edit(f"INSERT INTO mysql_servers (hostgroup_id, hostname) VALUES (20, '{host}')")
        each.admin.edit("LOAD MYSQL SERVERS TO RUNTIME")
        each.admin.received.clear()
    remedy = {**DRAIN, "with": {"host": "orders-1", "hostgroup": 20}}
    assert "orders-1 out of service, which is a primary of orders" in refused(front(remedy=remedy))


def test_a_server_that_the_inventory_does_not_know_is_not_drained(front, stand_ins):
    for each in stand_ins:
        each.admin.edit("INSERT INTO mysql_servers (hostgroup_id, hostname) VALUES (20, 'elsewhere')")
        each.admin.edit("LOAD MYSQL SERVERS TO RUNTIME")
        each.admin.received.clear()
    says = refused(front(remedy={**DRAIN, "with": {"host": "elsewhere"}}))
    assert "The plan takes elsewhere:3306 out of service at orders-proxy-1. The inventory knows no instance" in says


def test_a_remedy_of_proxies_on_a_server_is_not_planned(front):
    with pytest.raises(NotAllowed, match="is for proxies, and orders-2 is a replica"):
        front(remedy={**DRAIN, "on": "target"}).scene.plan()


def test_where_there_are_no_proxies_nothing_is_planned(database):
    scene = Scene(database, remedy=DRAIN, run=run(target="orders-2"))
    with pytest.raises(NotAllowed, match="orders has no proxies"):
        scene.plan()


def test_what_a_change_of_proxies_touches_is_said():
    assert blast_radius([PROXY], [""]) == "1 of 2 proxies of orders"


def test_a_sweep_means_proxies_only_where_it_names_their_role(front):
    fleet = front().scene.fleet
    assert not any(target.is_proxy for target in select("all", fleet.targets()))
    proxies = select("role=proxy", fleet.targets())
    assert proxies
    swept = Sweeps(fleet).sweep("proxysql.backends", proxies)
    assert [answer.missing for answer in swept.answers] == [""] * len(proxies)
    with pytest.raises(WrongUsage, match="is for servers, and orders-proxy-1 is a proxy; select proxies with"):
        Sweeps(fleet).sweep("mysql.replica_status", proxies)
