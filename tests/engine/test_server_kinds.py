"""What a server is, is known before its diagnosis: a runbook that does not cover it says so and offers nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from actions.contract import Row, Unreadable
from bot.engine.gather_evidence import Gatherer
from bot.engine.preview import preview
from bot.engine.run import Run, RunState
from bot.engine.server_kinds import ServerKinds
from bot.runbook.language.kinds import KnownKinds
from bot.slack.triage_card import card
from bot.store.database import Database
from bot.store.segment_queue import DirectSteps
from tests import samples
from tests.engine.scene import RUNBOOK, TARGET, Scene
from tests.engine.servers import Fleet, Server

PLAIN = ["standalone", "source", "replica"]


@dataclass
class KindServer(Server):
    """A server that answers what mysql.server_kind asks."""

    variables: dict[str, str] = field(default_factory=dict)
    replica: list[Row] = field(default_factory=list)
    unreadable: str = ""
    asked: int = 0

    def rows(self, sql: str, params: Sequence[object] = (), *, limit: int = 200, costly: bool = False) -> list[Row]:
        if "offline_mode" in params:
            self.asked += 1
            if self.unreadable:
                raise Unreadable(self.unreadable)
            return [{"Variable_name": name, "Value": value} for name, value in self.variables.items()]
        if "clone_status" in sql:
            raise Unreadable("there is no such table")
        if "REPLICA STATUS" in sql:
            return self.replica
        if "AS dumps" in sql:
            return [{"dumps": 0}]
        if "GLOBAL STATUS" in sql:
            return []
        return super().rows(sql, params, limit=limit, costly=costly)


RDS = {"basedir": "/rdsdbbin/mysql-8.0.40/"}


def scene(database: Database, server: KindServer, **more: Any) -> Scene:
    run = samples.run(target=TARGET, runbook="mysql/x", runbook_text=json.dumps({**RUNBOOK, **more}))
    if "kinds" in more:
        run = replace(run, speaks_for=tuple(more["kinds"]))
    found = Scene(database, run=run)
    server.uuid, server.address = f"uuid of {TARGET}", found.fleet.servers[TARGET].address
    found.fleet.servers[TARGET] = server
    return found


def triaged(found: Scene) -> Run:
    found.triage.triage(DirectSteps(), "r-1")
    return found.stored


def test_a_runbook_that_does_not_speak_for_a_managed_server_says_so_and_reads_nothing_else(database: Database):
    server = KindServer(variables=RDS)
    found = scene(database, server, kinds=PLAIN)
    run = triaged(found)
    assert (run.state, run.steps, run.causes, run.plan) == (RunState.DIAGNOSED, (), (), None)
    assert run.says.startswith(
        "orders-2 is an Amazon RDS instance; the runbook mysql/x covers self-managed servers only."
    )
    assert run.kind == KnownKinds(("standalone", "managed"), "Amazon RDS")
    assert "standalone, Amazon RDS" in json.dumps(card(run))


def test_a_preview_says_it_too(database: Database):
    found = scene(database, KindServer(variables=RDS), kinds=PLAIN)
    seen = preview(found.triage, found.stored)
    assert seen.seen is None
    assert "covers self-managed servers only" in seen.not_offered


def test_a_runbook_without_kinds_answers_for_it_as_before(database: Database):
    run = triaged(scene(database, KindServer(variables=RDS)))
    assert [each.id for each in run.causes] == ["few"]


def test_a_plain_replica_is_diagnosed_and_offered_its_remedy(database: Database):
    run = triaged(scene(database, KindServer(replica=[{"Replica_IO_Running": "Yes"}]), kinds=PLAIN))
    assert run.kind == KnownKinds(("replica",))
    assert (run.state, run.plan is not None) == (RunState.WAITING, True)
    assert "replica" not in json.dumps(card(run)[1])


def test_a_kind_that_cannot_be_read_is_named_and_nothing_is_offered(database: Database):
    run = triaged(scene(database, KindServer(unreadable="SHOW is refused."), kinds=PLAIN))
    assert [each.id for each in run.causes] == ["few"]
    assert run.state is RunState.REFUSED
    assert "The kind of orders-2 is unknown: SHOW is refused." in run.says
    assert "The kind of server is unknown: SHOW is refused." in json.dumps(card(run))


def test_a_kind_that_cannot_be_read_changes_nothing_for_a_runbook_without_kinds(database: Database):
    assert triaged(scene(database, KindServer(unreadable="SHOW is refused."))).state is RunState.WAITING


def test_a_server_that_is_being_read_out_is_not_changed_by_a_runbook_without_kinds(database: Database):
    run = triaged(scene(database, KindServer(variables={"innodb_force_recovery": "4"})))
    assert run.state is RunState.REFUSED
    assert "orders-2 is running with innodb_force_recovery" in run.says


def test_a_server_that_changed_its_kind_after_the_offer_is_not_changed(database: Database):
    server = KindServer()
    found = scene(database, server, kinds=PLAIN)
    found.approve()
    server.variables = {"offline_mode": "ON"}
    run = found.advance()
    assert run.state is RunState.REFUSED
    assert "orders-2 is in offline mode; the runbook mysql/x does not cover servers in offline mode" in run.says
    assert found.issued == []


def test_what_was_read_is_the_evidence_of_the_step_that_asks_the_same(database: Database):
    server = KindServer()
    gather = {**RUNBOOK["gather"], "kind": "mysql.server_kind"}
    run = triaged(scene(database, server, gather=gather, causes=[]))
    assert [each.status.value for each in run.steps] == ["done", "done"]
    assert server.asked == 1


def test_a_storm_of_runs_reads_a_server_once():
    server, fleet = KindServer(), Fleet()
    fleet.servers[TARGET] = server
    kinds = ServerKinds(fleet, clock=lambda: 0.0)
    assert {kinds.of(fleet.find(TARGET)).known.kinds for _ in range(20)} == {("standalone",)}
    assert server.asked == 1
    kinds.clock = lambda: 2.0
    kinds.of(fleet.find(TARGET))
    assert server.asked == 2
    kinds.close()


def test_a_server_that_hangs_does_not_hold_up_its_own_diagnosis():
    released = threading.Event()

    @dataclass
    class Hanging(KindServer):
        def rows(self, *args: object, **more: object) -> list[Row]:
            released.wait(30)
            return []

    fleet = Fleet()
    fleet.servers[TARGET] = Hanging()
    kinds = ServerKinds(fleet, limit=0.01)
    assert kinds.of(fleet.find(TARGET)).known.unknown == "it did not answer within 0.01 s."
    released.set()
    kinds.close()


def test_a_server_that_is_down_has_an_unknown_kind():
    fleet = Fleet()
    fleet.servers[TARGET].down = True
    gatherer = Gatherer(fleet)
    assert bool(gatherer.kinds.of(fleet.find(TARGET)).known.unknown)
    gatherer.close()
