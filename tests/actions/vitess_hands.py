"""What tests do on the lab's Vitess cluster: read and change as Firstmate, and be its clients and operators."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pymysql.connections import Connection
from pymysql.cursors import DictCursor

from actions.contract import Remediation, Verdict
from actions.vitess import Vitess, primaries
from bot.config import load
from bot.engine.change import Verifier
from bot.fleet.fleet import ConfiguredFleet
from bot.fleet.vitess.changer import VitessChanger
from bot.lab.client import ask, connect, wait_until
from bot.lab.state import CONFIG, LabState, Login

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
        """Ends the looking at the topology."""
        self._fleet._clusters.close()

    def primary(self, shard: str = "-80") -> str:
        """The alias of the shard's primary now."""
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
        """Reads as Firstmate, from the tablet that is named or the first one of the shard."""
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
        """Asks a diagnostic of the shard -80."""
        with self.reader() as vt:
            return diagnostic(vt, **given)

    def check(self, remediation: Remediation) -> None:
        """Asks the remediation's own check; raises Refused."""
        with self.reader() as vt:
            remediation.check(vt)

    def undo_of(self, remediation: Remediation) -> list[str]:
        """The statements that would restore what is now."""
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

    def verify(self, remediation: Remediation) -> Verdict:
        """The verdict once it is settled."""

        def read(asked: Remediation) -> Verdict:
            with self.reader() as vt:
                return asked.verify(vt)

        return Verifier(read, pause=0.2).verify(remediation)

    def call(self, rpc: str, /, **request: Any) -> Any:
        """Calls any RPC of vtctld, as an operator would."""
        with self.changer() as hand:
            return hand._source.vtctld.call(rpc, request, timeout=20.0)

    @contextmanager
    def client(self, database: str = "commerce") -> Iterator[Connection[DictCursor]]:
        """A session through vtgate."""
        host, _, port = self.vitess.vtgate_mysql.rpartition(":")
        connection = connect(host, int(port), Login("app", ""), patience=60.0)
        try:
            ask(connection, f"USE `{database}`")
            yield connection
        finally:
            connection.close()
