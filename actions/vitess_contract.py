"""The reader that actions of Vitess take, and the calls of their changes as statements.

The target of a Vitess action is a tablet of a shard. Its reader asks the components that know about the shard: vtctld
(for the topology, and for tablets), VTOrc, the vttablets, the vtgates and the tablets' MySQL servers. Each of them can
be unavailable on its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeAlias, runtime_checkable

from actions.contract import Moment, MySQL, Refused, Row, Statement

Request: TypeAlias = Mapping[str, Any]
"""The fields of a call, named as in vtctld's messages (snake_case)."""


class Component(StrEnum):
    """A Vitess program that serves pages over HTTP."""

    VTORC = "vtorc"
    VTGATE = "vtgate"
    VTTABLET = "vttablet"


@dataclass(frozen=True, slots=True)
class Tablet:
    """One tablet as the topology records it."""

    alias: str
    """`zone1-0000000100`: its cell, and its uid with ten digits."""
    cell: str
    uid: int
    keyspace: str
    shard: str
    """Its key range, such as `-80`, or `0` if the keyspace is not sharded."""
    type: str
    """PRIMARY, REPLICA, RDONLY, DRAINED, BACKUP, RESTORE, SPARE and so on."""
    hostname: str
    web_port: int
    grpc_port: int
    mysql_hostname: str
    mysql_port: int
    primary_since: Moment | None = None
    """When its last term as primary began, in Unix seconds; None if it never was primary."""


@dataclass(frozen=True, slots=True)
class ComponentAnswer:
    """The answer of one component, or the error that replaced it."""

    who: str
    """The component's address, or the alias of the tablet that the call was about."""
    body: Any = None
    """JSON; a tuple of actions.prometheus_contract.Series for metrics; None if there was an error."""
    error: str = ""

    @property
    def ok(self) -> bool:
        return not self.error


@runtime_checkable
class Vitess(MySQL, Protocol):
    """Reads one shard of a Vitess cluster through one of its tablets. It cannot write, and it limits time itself.

    `address` is `keyspace/shard`, `version` is that of Vitess, and `rows` reads from the tablet's MySQL server.
    """

    @property
    def cluster(self) -> str: ...

    @property
    def keyspace(self) -> str: ...

    @property
    def shard(self) -> str:
        """The key range, such as `-80`."""
        ...

    @property
    def tablet(self) -> str:
        """The alias of the target tablet."""
        ...

    def tablets(self, *, of_keyspace: bool = False) -> tuple[Tablet, ...]:
        """Returns the tablets of the shard, or of its keyspace, as the topology records them now. Raises Unreadable."""
        ...

    def rpc(self, name: str, /, **request: Any) -> Mapping[str, Any]:  # noqa: ANN401 - JSON
        """Calls a reading RPC of vtctld and returns its answer.

        Names are snake_case, a field with its default value is absent, and 64-bit integers are strings, as protobuf
        writes JSON. Raises Unreadable if vtctld is unavailable, refuses the call, or does not answer within two
        seconds, which is also what happens if the call concerns a dead tablet.
        """
        ...

    def rpcs(self, name: str, requests: Sequence[Request]) -> tuple[ComponentAnswer, ...]:
        """Calls one RPC several times in parallel; returns one answer per request, in the same order, including failed
        ones."""
        ...

    def web(self, component: Component, path: str, *, tablet: str = "") -> tuple[ComponentAnswer, ...]:
        """Reads a page of every component of a kind, or of one vttablet; JSON is parsed.

        Without `tablet`, VTTABLET means all tablets of the shard.
        """
        ...

    def metrics(self, component: Component, *names: str, tablet: str = "") -> tuple[ComponentAnswer, ...]:
        """Reads metrics of every component of a kind; the body of an answer is a tuple of Series with one sample each.

        Counters are named as on the page.
        """
        ...

    def vtgate(self, sql: str, *, use: str = "", limit: int = 200) -> list[Row]:
        """Runs a SHOW statement at the first vtgate that answers, after USE if `use` names `keyspace/shard`.

        Raises Unreadable.
        """
        ...

    def mysql_of(self, tablet: str) -> MySQL:
        """Returns a reader of a tablet's MySQL server. Raises Unreadable if that cannot be reached."""
        ...


def vitess(db: MySQL) -> Vitess:
    """Returns the reader of a shard that a Vitess remediation was given; raises Refused for any other reader."""
    if not isinstance(db, Vitess):
        raise Refused(
            f"{db.address} is not a Vitess tablet, and this remediation changes a Vitess shard. Choose a tablet as "
            "the target."
        )
    return db


def runbook_command(vt: Vitess, runbook: str) -> str:
    """Returns the Slack command that runs a runbook on the target: the next step of a refusal."""
    return f"/runbook run {runbook} {vt.tablet}"


def alias_of(record: Mapping[str, Any] | None) -> str:
    """Returns the alias of a tablet from its record `{"cell": ..., "uid": ...}`; '' if there is none."""
    if not record:
        return ""
    return f"{record.get('cell', '')}-{int(record.get('uid', 0)):010d}"


def alias_record(alias: str) -> dict[str, Any]:
    """Returns the record of an alias, as calls take it; raises ValueError for text that is not an alias."""
    cell, _, uid = alias.rpartition("-")
    if not cell or not uid.isdigit():
        raise ValueError(f"{alias!r} is not a tablet alias; write it as zone1-0000000100")
    return {"cell": cell, "uid": int(uid)}


def primaries(tablets: Sequence[Tablet]) -> dict[str, Tablet]:
    """Returns the primary of each shard that has one; of two, as after a failover, the one whose term began last."""
    found: dict[str, Tablet] = {}
    for each in sorted(tablets, key=lambda tablet: tablet.primary_since or 0.0):
        if each.type == "PRIMARY":
            found[each.shard] = each
    return found


_CALL = re.compile(r"([A-Z][A-Za-z]{2,60}) (\{.*\})", re.DOTALL)
_VTORC = re.compile(r"VTOrc (/api/[a-z-]{1,60})")


def call(rpc: str, /, **request: Any) -> Statement:  # noqa: ANN401 - JSON
    """Returns a call of vtctld as a statement: `StartReplication {"tablet_alias":{"cell":"zone1","uid":101}}`."""
    return Statement(f"{rpc} {json.dumps(request, sort_keys=True, separators=(',', ':'))}")


def vtorc(path: str) -> Statement:
    """Returns a request to every VTOrc as a statement: `VTOrc /api/disable-global-recoveries`."""
    return Statement(f"VTOrc {path}")


def parse_call(text: str) -> tuple[str, dict[str, Any]] | None:
    """Returns the RPC and the request of a statement that `call` built; None for any other."""
    found = _CALL.fullmatch(text)
    if found is None:
        return None
    request = json.loads(found[2])
    return (found[1], request) if isinstance(request, dict) else None


def parse_vtorc(text: str) -> str | None:
    """Returns the path of a statement that `vtorc` built; None for any other."""
    found = _VTORC.fullmatch(text)
    return found[1] if found else None
