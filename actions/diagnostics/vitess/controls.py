"""Which settings keep a shard from serving: denied tables, disabled query services, query rules and tablet types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actions.contract import Cost, Count, Flavour, Unreadable, diagnostic
from actions.protobuf_json import Record
from actions.vitess_contract import Component, Vitess
from actions.vitess_records import durability_policy, emergency_reparent_disabled, keyspace_record, shard_record
from actions.vitess_workflows import FROZEN, MOVING_TYPES

SHOWN = 200
DENIED = "DenyListQueryRules"
"""The name that vttablet gives to the rules that it derives from denied tables."""
SERVED = frozenset({"PRIMARY", "REPLICA", "RDONLY"})
"""Tablet types that serve queries."""


@dataclass(frozen=True, slots=True)
class DeniedTables:
    """Tables that the shard record denies to a tablet type."""

    tablet_type: str = ""
    """The tablet type that may not serve them."""
    tables: tuple[str, ...] = ()
    """The denied tables."""
    cells: tuple[str, ...] = ()
    """The cells in which they are denied; empty means all cells."""
    frozen: bool = False
    """Whether a workflow has switched the traffic away; such a control must not be removed."""
    allow_reads: bool = False
    """Whether reads of the tables are still allowed."""


@dataclass(frozen=True, slots=True)
class DisabledService:
    """A tablet type of the shard whose query service is disabled in one cell."""

    cell: str = ""
    tablet_type: str = ""


@dataclass(frozen=True, slots=True)
class QueryRule:
    """A rule by which a vttablet rejects or delays queries, without those derived from denied tables."""

    tablet: str = ""
    """The alias of the tablet."""
    source: str = ""
    """Where the rule comes from: a file, the topology, or one of Vitess's own sources."""
    name: str = ""
    """The name of the rule."""
    action: str = ""
    """FAIL, FAIL_RETRY, BUFFER or CONTINUE."""
    tables: tuple[str, ...] = ()
    """The tables that it applies to; empty means all tables."""


@dataclass(frozen=True, slots=True)
class ShardWorkflow:
    """A workflow that moves data from this shard or to it."""

    name: str = ""
    keyspace: str = ""
    """The target keyspace, where its streams run."""
    type: str = ""
    """MoveTables, Reshard, Materialize and so on."""
    source: str = ""
    """`keyspace/shard` of each source, separated by commas."""
    states: tuple[str, ...] = ()
    """The states of its streams, each once."""
    frozen: bool = False
    """Whether its traffic has been switched and it waits to be completed."""


@dataclass(frozen=True, slots=True)
class OutOfService:
    """A tablet whose type serves no queries."""

    alias: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True)
class Controls:
    """What the topology and the vttablets of a shard are configured not to serve."""

    keyspace: str = ""
    shard: str = ""
    primary_serving: bool = True
    """`is_primary_serving` in the shard record."""
    denied: tuple[DeniedTables, ...] = ()
    """Tables that the shard record denies."""
    disabled: tuple[DisabledService, ...] = ()
    """Tablet types whose query service a cell disables for this shard."""
    unserved: tuple[DisabledService, ...] = ()
    """Tablet types for which a cell routes the keyspace but not this shard."""
    denied_on: tuple[str, ...] = ()
    """Tablets whose vttablet denies tables now. A vttablet learns of a changed record only when its state is
    refreshed."""
    rules: tuple[QueryRule, ...] = ()
    """Query rules in force on the shard's vttablets."""
    out_of_service: tuple[OutOfService, ...] = ()
    """Tablets of type DRAINED, BACKUP, RESTORE, SPARE and so on. Vitess does not record since when."""
    rdonly: Count = 0
    """Tablets of type RDONLY; vtgate sends them only queries that ask for that type."""
    keyspace_type: str = "NORMAL"
    """SNAPSHOT for a keyspace that was restored from a backup of another one."""
    durability: str = ""
    """The durability policy of the keyspace; '' if it could not be read."""
    emergency_reparent_disabled: bool = False
    """Whether the record of the shard or of the keyspace forbids VTOrc to run an emergency reparent."""
    workflows: tuple[ShardWorkflow, ...] = ()
    """Workflows whose source or target includes this shard."""
    workflows_known: bool = False
    """Whether the workflows could be read."""
    missing: tuple[str, ...] = ()
    """What could not be read, one sentence each."""

    @property
    def any(self) -> bool:
        """Whether any setting keeps queries of this shard from being served."""
        return bool(self.denied or self.denied_on or self.disabled or self.rules or not self.primary_serving)

    @property
    def moving(self) -> tuple[ShardWorkflow, ...]:
        """Workflows that deny tables or disable query services while they are under way."""
        return tuple(each for each in self.workflows if each.type in MOVING_TYPES)

    @property
    def explained(self) -> bool:
        """Whether a workflow under way explains the denied tables and disabled services."""
        return bool(self.moving)

    @property
    def left_behind(self) -> bool:
        """Whether tables are denied or services disabled although no workflow needs that."""
        return (
            bool(self.denied or self.denied_on or self.disabled or not self.primary_serving)
            and self.workflows_known
            and not self.moving
            and not any(each.frozen for each in self.denied)
        )

    @property
    def drained(self) -> tuple[OutOfService, ...]:
        """Tablets of type DRAINED."""
        return tuple(each for each in self.out_of_service if each.type == "DRAINED")

    @property
    def backing_up(self) -> tuple[OutOfService, ...]:
        """Tablets of type BACKUP or RESTORE."""
        return tuple(each for each in self.out_of_service if each.type in ("BACKUP", "RESTORE"))


@diagnostic(
    cost=Cost.LOW,
    needs={
        Flavour.VITESS: (
            "GetTablets",
            "GetShard",
            "GetKeyspace",
            "GetSrvKeyspaces",
            "GetWorkflows",
            "vttablet /debug/query_rules",
        ),
        Flavour.MYSQL: (),
    },
)
def controls(vt: Vitess) -> Controls:
    """Reads the shard record, the keyspace record and its routing in each cell, and the vttablets' query rules.

    A workflow that moves tables or shards sets such controls, and removes them when it is completed or cancelled. A
    workflow that was aborted leaves them behind.
    """
    missing: list[str] = []
    record = shard_record(vt)
    keyspace = _keyspace(vt, missing)
    disabled, unserved = _routing(vt, record, missing)
    workflows = _workflows(vt, missing)
    tablets = vt.tablets()[:SHOWN]
    rules, denied_on = _rules(vt, missing)
    denied = record.get("tablet_controls", ())
    return Controls(
        keyspace=vt.keyspace,
        shard=vt.shard,
        primary_serving=bool(record.get("is_primary_serving")),
        denied=tuple(_denied(each) for each in denied if each.get("denied_tables")),
        disabled=disabled,
        unserved=unserved,
        denied_on=denied_on,
        rules=rules,
        out_of_service=tuple(OutOfService(each.alias, each.type) for each in tablets if each.type not in SERVED),
        rdonly=sum(each.type == "RDONLY" for each in tablets),
        keyspace_type=str(keyspace.get("keyspace_type", "NORMAL")),
        durability=durability_policy(keyspace) if keyspace else "",
        emergency_reparent_disabled=any(map(emergency_reparent_disabled, (record, keyspace))),
        workflows=workflows or (),
        workflows_known=workflows is not None,
        missing=tuple(missing),
    )


def _denied(control: Mapping[str, Any]) -> DeniedTables:
    return DeniedTables(
        tablet_type=str(control.get("tablet_type", "UNKNOWN")),
        tables=tuple(map(str, control.get("denied_tables", ())))[:SHOWN],
        cells=tuple(map(str, control.get("cells", ()))),
        frozen=bool(control.get("frozen")),
        allow_reads=bool(control.get("allow_reads")),
    )


def _keyspace(vt: Vitess, missing: list[str]) -> Record:
    try:
        return keyspace_record(vt)
    except Unreadable as error:
        missing.append(f"The keyspace record could not be read: {error}")
        return {}


def _routing(
    vt: Vitess, record: Mapping[str, Any], missing: list[str]
) -> tuple[tuple[DisabledService, ...], tuple[DisabledService, ...]]:
    """Returns the tablet types whose service is disabled for the shard, and those that a cell does not route to it."""
    try:
        cells = vt.rpc("GetSrvKeyspaces", keyspace=vt.keyspace).get("srv_keyspaces", {})
    except Unreadable as error:
        missing.append(f"The routing of the keyspace in the cells could not be read: {error}")
        return (), ()
    off, unserved = [], []
    for cell, routing in sorted(cells.items()):
        for partition in routing.get("partitions", ()):
            here = DisabledService(cell, str(partition.get("served_type", "UNKNOWN")))
            mine = [each for each in partition.get("shard_tablet_controls", ()) if each.get("name") == vt.shard]
            if any(each.get("query_service_disabled") for each in mine):
                off.append(here)
            named = [each.get("name") for each in partition.get("shard_references", ())]
            if vt.shard not in named and record.get("is_primary_serving"):
                unserved.append(here)
    return tuple(off)[:SHOWN], tuple(unserved)[:SHOWN]


def _workflows(vt: Vitess, missing: list[str]) -> tuple[ShardWorkflow, ...] | None:
    try:
        told = vt.rpc("GetWorkflows", keyspace=vt.keyspace).get("workflows", ())
    except Unreadable as error:
        missing.append(f"Whether a workflow explains this is unknown: {error}")
        return None
    return tuple(_workflow(vt, each) for each in told if _concerns_shard(vt, each))[:SHOWN]


def _concerns_shard(vt: Vitess, workflow: Mapping[str, Any]) -> bool:
    ends = [workflow.get("source") or {}, workflow.get("target") or {}]
    return any(each.get("keyspace") == vt.keyspace and vt.shard in each.get("shards", ()) for each in ends)


def _workflow(vt: Vitess, workflow: Mapping[str, Any]) -> ShardWorkflow:
    streams = [each for shard in workflow.get("shard_streams", {}).values() for each in shard.get("streams", ())]
    source = workflow.get("source") or {}
    return ShardWorkflow(
        name=str(workflow.get("name", "")),
        keyspace=str((workflow.get("target") or {}).get("keyspace", vt.keyspace)),
        type=str(workflow.get("workflow_type", "")),
        source=",".join(f"{source.get('keyspace', '')}/{shard}" for shard in source.get("shards", ())),
        states=tuple(sorted({str(each.get("state", "")) for each in streams})),
        frozen=bool(streams) and all(each.get("message") == FROZEN for each in streams),
    )


def _rules(vt: Vitess, missing: list[str]) -> tuple[tuple[QueryRule, ...], tuple[str, ...]]:
    """Returns the query rules of every vttablet that answers, and the tablets that deny tables."""
    found: list[QueryRule] = []
    denying = set()
    for answer in vt.web(Component.VTTABLET, "/debug/query_rules"):
        if not answer.ok or not isinstance(answer.body, Mapping):
            missing.append(
                f"The query rules of {answer.who} could not be read: {answer.error or 'the page is not JSON'}"
            )
            continue
        for source, rules in answer.body.items():
            if source == DENIED:
                denying |= {answer.who} if rules else set()
            else:
                found += [_rule(answer.who, str(source), rule) for rule in rules or ()]
    return tuple(found[:SHOWN]), tuple(sorted(denying))


def _rule(tablet: str, source: str, rule: Mapping[str, Any]) -> QueryRule:
    return QueryRule(
        tablet=tablet,
        source=source,
        name=str(rule.get("Name", ""))[:200],
        action=str(rule.get("Action", "CONTINUE")),
        tables=tuple(map(str, rule.get("TableNames") or ()))[:SHOWN],
    )
