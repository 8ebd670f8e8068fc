"""Helpers for the lab's Vitess cluster: read and change as Firstmate does, and act as its clients and operators."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pymysql
import pytest
from pymysql.connections import Connection
from pymysql.cursors import DictCursor

from actions.contract import Remediation, Statement, Verification
from actions.diagnostics.vitess.schema_migrations import Migration, schema_migrations
from actions.diagnostics.vitess.workflows import workflows
from actions.vitess_contract import Vitess, primaries
from bot.config import load
from bot.engine.change_executor import Verifier
from bot.fleet.configured_fleet import ConfiguredFleet
from bot.fleet.vitess.changer import VitessChanger
from bot.lab.connections import administrator, ask, connect
from bot.lab.lab_state import LabState, Login
from bot.lab.waiting import wait_until
from bot.lab_location import CONFIG

RUN = "r-test"
SHARDS = ("-80", "80-")


class Hands:
    """Firstmate's fleet of the cluster, an operator's calls of vtctld, and clients of its vtgate."""

    def __init__(self, lab: LabState) -> None:
        assert lab.vitess is not None
        self.lab = lab
        self.vitess = lab.vitess
        self._fleet = ConfiguredFleet(load(lab.folder / CONFIG))

    def close(self) -> None:
        """Ends the polling of the topology."""
        self._fleet.close()

    def primary(self, shard: str = "-80") -> str:
        """Returns the alias of the shard's present primary."""
        found: list[str] = []

        def look() -> bool:
            with self.reader(shard=shard) as vt:
                tablet = primaries(vt.tablets()).get(shard)
            found[:] = [tablet.alias] if tablet else []
            return bool(found)

        wait_until(f"shard {shard} has a primary", look, 30)
        return found[0]

    @contextmanager
    def reader(self, alias: str = "", *, shard: str = "-80") -> Iterator[Vitess]:
        """Reads as Firstmate, through the given tablet or the first one of the shard."""
        target = self._fleet.find(alias or next(t.alias for t in self.vitess.tablets if t.shard == shard))
        with self._fleet.read(target.shard, target.instance, Vitess) as vt:
            assert isinstance(vt, Vitess)
            yield vt

    @contextmanager
    def changer(self, *, shard: str = "-80") -> Iterator[VitessChanger]:
        """Changes as Firstmate."""
        target = self._fleet.find(next(t.alias for t in self.vitess.tablets if t.shard == shard))
        with self._fleet.change(target.shard, target.instance, Vitess) as hand:
            assert isinstance(hand, VitessChanger)
            yield hand

    def ask(self, diagnostic: Callable[..., Any], **given: Any) -> Any:
        """Runs a diagnostic on the shard -80."""
        with self.reader() as vt:
            return diagnostic(vt, **given)

    def check(self, remediation: Remediation) -> None:
        """Runs the remediation's own check; raises Refused."""
        with self.reader() as vt:
            remediation.check(vt)

    def undo_of(self, remediation: Remediation) -> list[str]:
        """Returns the statements that would restore the present state."""
        with self.reader() as vt:
            return [str(each) for each in remediation.undo(vt)]

    def make(self, remediation: Remediation) -> list[str]:
        """Makes the change and returns its statements."""
        made = []
        with self.changer() as hand:
            for statement in remediation.change(hand.reader):
                hand.execute(statement, tag=RUN)
                made.append(str(statement))
        return made

    def verify(self, remediation: Remediation) -> Verification:
        """Returns the verification once it is settled."""

        def read(asked: Remediation) -> Verification:
            with self.reader() as vt:
                return asked.verify(vt)

        return Verifier(read, pause=0.2).verify(remediation)

    def call(self, rpc: str, /, **request: Any) -> Any:
        """Calls any RPC of vtctld, as an operator would."""
        with self.changer() as hand:
            return hand._source.vtctld.call(rpc, request, timeout=20.0)

    def execute(self, statement: str) -> None:
        """Makes one call of a change, as an undo does."""
        with self.changer() as hand:
            hand.execute(Statement(statement), tag=RUN)

    def until_it_works(self, workflow: str) -> None:
        """Waits until all streams of a workflow run and have nothing left to copy."""

        def works() -> bool:
            found = self.ask(workflows, workflow=workflow).workflows
            return bool(found) and found[0].states == ("Running",) and all(s.lag is not None for s in found[0].streams)

        wait_until(f"the workflow {workflow} works", works, 60)

    def migrate(self, sql: str, options: str = "--cut-over-threshold=5s") -> str:
        """Requests a schema migration and returns its uuid."""
        answer = self.call("ApplySchema", keyspace="commerce", sql=[sql], ddl_strategy=f"vitess {options}")
        return str(answer["uuid_list"][0])

    def until(self, uuid: str, holds: Callable[[Migration], bool], *, everywhere: bool = True) -> None:
        """Waits until a migration is as expected on both shards, or on one of them."""

        def look() -> bool:
            found = [holds(one) for one in self.ask(schema_migrations, uuid=uuid).migrations]
            return len(found) == len(SHARDS) and (all(found) if everywhere else any(found))

        wait_until(f"the migration {uuid} is as wanted", look, 60)

    def administer(self, shard: str, *statements: str) -> None:
        """Runs statements on the MySQL server of a shard's primary."""
        with administrator(self.lab.instance(self.primary(shard))) as admin:
            for statement in statements:
                ask(admin, statement)

    def lost(self, client: Connection[DictCursor]) -> None:
        """Asserts that the session's transaction was ended from outside."""
        with pytest.raises(pymysql.MySQLError):
            ask(client, "commit")

    @contextmanager
    def client(self, database: str = "commerce") -> Iterator[Connection[DictCursor]]:
        """A session through vtgate."""
        host, _, port = self.vitess.vtgate_mysql.rpartition(":")
        connection = connect(host, int(port), Login("app", ""), timeout=60.0)
        try:
            ask(connection, f"USE `{database}`")
            yield connection
        finally:
            connection.close()
