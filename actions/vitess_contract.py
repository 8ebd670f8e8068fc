"""What actions of Vitess read with, and how they write the calls of a change.

A target of Vitess is a tablet of a shard. Its reader asks the components that know of it: vtctld (the topology, and the
tablets through it), VTOrc, the vttablets, the vtgates, and the MySQL beneath. Each may be away alone.
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
"""The fields of a call, as vtctld's messages name them (snake_case)."""


class Component(StrEnum):
    """A program of Vitess that has pages of its own over HTTP."""

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
    """Its key range, such as `-80`, or `0` where the keyspace is not sharded."""
    type: str
    """PRIMARY, REPLICA, RDONLY, DRAINED, BACKUP, RESTORE, SPARE and so on."""
    hostname: str
    web_port: int
    grpc_port: int
    mysql_hostname: str
    mysql_port: int
    primary_since: Moment | None = None
    """Unix time in seconds of the begin of its term as primary; None where it never was one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one component said, or why it said nothing."""

    who: str
    """Its address, or the alias of the tablet that was asked about."""
    body: Any = None
    """JSON; a tuple of actions.contract.Series for metrics; None where there is an error."""
    error: str = ""

    @property
    def ok(self) -> bool:
        return not self.error


@runtime_checkable
class Vitess(MySQL, Protocol):
    """Reads one shard of a Vitess cluster from one of its tablets; it has no way to write, and bounds time by itself.

    `address` is `keyspace/shard`, `version` that of Vitess, and `rows` asks the MySQL beneath the tablet.
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
        """The alias of the tablet that is the target."""
        ...

    def tablets(self, *, of_keyspace: bool = False) -> tuple[Tablet, ...]:
        """The tablets of the shard, or of its whole keyspace, as the topology has them now. Raises Unreadable."""
        ...

    def rpc(self, name: str, /, **request: Any) -> Mapping[str, Any]:  # noqa: ANN401 - JSON
        """Calls one of vtctld's RPCs that read and returns its answer.

        Names are snake_case, a field with its default value is absent, and 64-bit integers are strings, as protobuf
        writes JSON. Raises Unreadable where vtctld is away, refuses, or takes longer than two seconds, which is what a
        call through a tablet that is gone does.
        """
        ...

    def rpcs(self, name: str, requests: Sequence[Request]) -> tuple[Answer, ...]:
        """Makes several calls of one RPC at the same time; an answer each, in their order, failed ones too."""
        ...

    def web(self, component: Component, path: str, *, tablet: str = "") -> tuple[Answer, ...]:
        """Reads a page of each of the components, or of the one vttablet that is named; JSON is parsed.

        Without `tablet`, VTTABLET means all tablets of the shard.
        """
        ...

    def metrics(self, component: Component, *names: str, tablet: str = "") -> tuple[Answer, ...]:
        """Reads these metrics of each of the components; the body is a tuple of Series with one sample each.

        Counters carry their names as the page writes them.
        """
        ...

    def vtgate(self, sql: str, *, use: str = "", limit: int = 200) -> list[Row]:
        """Asks the first vtgate that answers a SHOW statement, after USE where `use` names `keyspace/shard`.

        Raises Unreadable.
        """
        ...

    def beneath(self, tablet: str) -> MySQL:
        """A reader of the MySQL beneath a tablet of the keyspace. Raises Unreadable where it cannot be reached."""
        ...


def vitess(db: MySQL) -> Vitess:
    """The reader of a shard that a remediation of Vitess was given; raises Refused for one of anything else."""
    if not isinstance(db, Vitess):
        raise Refused(f"{db.address} is no tablet of Vitess, and this is a change of a shard of Vitess.")
    return db


def alias_of(record: Mapping[str, Any] | None) -> str:
    """The alias of a tablet from its record `{"cell": ..., "uid": ...}`; '' where there is none."""
    if not record:
        return ""
    return f"{record.get('cell', '')}-{int(record.get('uid', 0)):010d}"


def alias_record(alias: str) -> dict[str, Any]:
    """The record of an alias, as calls take it; raises ValueError for what is none."""
    cell, _, uid = alias.rpartition("-")
    if not cell or not uid.isdigit():
        raise ValueError(f"{alias!r} is no alias of a tablet; one is written zone1-0000000100")
    return {"cell": cell, "uid": int(uid)}


def primaries(tablets: Sequence[Tablet]) -> dict[str, Tablet]:
    """The primary of each shard that has one; of two, as after a failover, the one whose term began last."""
    found: dict[str, Tablet] = {}
    for each in sorted(tablets, key=lambda tablet: tablet.primary_since or 0.0):
        if each.type == "PRIMARY":
            found[each.shard] = each
    return found


_CALL = re.compile(r"([A-Z][A-Za-z]{2,60}) (\{.*\})", re.DOTALL)
_VTORC = re.compile(r"VTOrc (/api/[a-z-]{1,60})")


def call(rpc: str, /, **request: Any) -> Statement:  # noqa: ANN401 - JSON
    """A call of vtctld as a statement of a change: `StartReplication {"tablet_alias":{"cell":"zone1","uid":101}}`."""
    return Statement(f"{rpc} {json.dumps(request, sort_keys=True, separators=(',', ':'))}")


def vtorc(path: str) -> Statement:
    """A request to every VTOrc as a statement of a change: `VTOrc /api/disable-global-recoveries`."""
    return Statement(f"VTOrc {path}")


def parse_call(text: str) -> tuple[str, dict[str, Any]] | None:
    """The RPC and the request of a statement that `call` made; None for another."""
    found = _CALL.fullmatch(text)
    if found is None:
        return None
    request = json.loads(found[2])
    return (found[1], request) if isinstance(request, dict) else None


def parse_vtorc(text: str) -> str | None:
    """The path of a statement that `vtorc` made; None for another."""
    found = _VTORC.fullmatch(text)
    return found[1] if found else None
