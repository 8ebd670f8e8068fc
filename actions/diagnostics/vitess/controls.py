"""Which switches keep a shard from serving: denied tables, services that are off, query rules, types of tablets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actions.contract import Cost, Count, Flavour, Unreadable, diagnostic
from actions.diagnostics.vitess.shard_health import record_of
from actions.vitess_contract import Component, Vitess

SHOWN = 200
DENIED = "DenyListQueryRules"
"""What vttablet calls the rules that it makes of denied tables."""
SERVED = frozenset({"PRIMARY", "REPLICA", "RDONLY"})
"""Types whose queries vttablet serves."""
MOVING = frozenset({"MoveTables", "Reshard", "Migrate"})
"""Workflows that deny tables, or switch query services off, while they are under way."""


@dataclass(frozen=True, slots=True)
class DeniedTables:
    """Tables that the record of the shard denies to a type of tablet."""

    tablet_type: str = ""
    tables: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    """The cells that it holds for; none named means all."""
    frozen: bool = False
    """Whether traffic is being switched just now; such a record is not to be removed."""
    allow_reads: bool = False


@dataclass(frozen=True, slots=True)
class DisabledService:
    """A type of tablet of the shard whose query service is off in one cell."""

    cell: str = ""
    tablet_type: str = ""


@dataclass(frozen=True, slots=True)
class QueryRule:
    """A rule that a vttablet holds queries against; those of denied tables are not repeated here."""

    tablet: str = ""
    source: str = ""
    """Who set it: a file, the topology, or a name of Vitess's own."""
    name: str = ""
    action: str = ""
    """FAIL, FAIL_RETRY, BUFFER or CONTINUE."""
    tables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShardWorkflow:
    """A workflow that takes data from this shard or brings it here."""

    name: str = ""
    keyspace: str = ""
    """Where its streams run, which is its target."""
    type: str = ""
    """MoveTables, Reshard, Materialize and so on."""
    source: str = ""
    """`keyspace/shard` of each source, with commas."""
    states: tuple[str, ...] = ()
    """The states that its streams are in."""
    frozen: bool = False
    """Whether it was switched and waits to be completed."""


@dataclass(frozen=True, slots=True)
class OutOfService:
    """A tablet of a type that serves no queries."""

    alias: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True)
class Controls:
    """What the topology and the vttablets of a shard are told not to serve."""

    keyspace: str = ""
    shard: str = ""
    primary_serving: bool = True
    """`is_primary_serving` of the record of the shard."""
    denied: tuple[DeniedTables, ...] = ()
    disabled: tuple[DisabledService, ...] = ()
    unserved: tuple[DisabledService, ...] = ()
    """Types for which a cell routes the keyspace and has not this shard among those it routes to."""
    denied_on: tuple[str, ...] = ()
    """The tablets whose vttablet denies tables right now; one learns of the record only when its state is refreshed."""
    rules: tuple[QueryRule, ...] = ()
    out_of_service: tuple[OutOfService, ...] = ()
    """Tablets of type DRAINED, BACKUP, RESTORE, SPARE and so on. Nobody records since when."""
    rdonly: Count = 0
    """Tablets of type RDONLY; vtgate sends them only queries that ask for that type."""
    keyspace_type: str = "NORMAL"
    """SNAPSHOT for a keyspace that was restored from a backup of another."""
    durability: str = ""
    emergency_reparent_disabled: bool = False
    """Whether VTOrc may make no emergency reparent, by the record of the shard or of the keyspace."""
    workflows: tuple[ShardWorkflow, ...] = ()
    workflows_known: bool = False
    missing: tuple[str, ...] = ()
    """What could not be read, a sentence for each."""

    @property
    def any(self) -> bool:
        """Whether anything at all keeps queries of this shard from being served."""
        return bool(self.denied or self.denied_on or self.disabled or self.rules or not self.primary_serving)

    @property
    def moving(self) -> tuple[ShardWorkflow, ...]:
        """Workflows that deny tables or switch query services while they are under way."""
        return tuple(each for each in self.workflows if each.type in MOVING)

    @property
    def explained(self) -> bool:
        """Whether a workflow that is under way explains the denied tables and switched-off services."""
        return bool(self.moving)

    @property
    def left_behind(self) -> bool:
        """Whether tables are denied or services off, and it is known that no workflow needs that."""
        return (
            bool(self.denied or self.denied_on or self.disabled or not self.primary_serving)
            and self.workflows_known
            and not self.moving
            and not any(each.frozen for each in self.denied)
        )

    @property
    def drained(self) -> tuple[OutOfService, ...]:
        return tuple(each for each in self.out_of_service if each.type == "DRAINED")

    @property
    def backing_up(self) -> tuple[OutOfService, ...]:
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
    """Reads the records of the shard, the keyspace and its routing in each cell, and the query rules of the vttablets.

    A workflow that moves tables or shards sets such controls and takes them away when it is completed or cancelled;
    one that was broken off leaves them.
    """
    missing: list[str] = []
    record = record_of(vt)
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
        durability=str(keyspace.get("durability_policy", "none")) if keyspace else "",
        emergency_reparent_disabled=any(
            each.get("vtorc_state", {}).get("disable_emergency_reparent", False) for each in (record, keyspace)
        ),
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


def _keyspace(vt: Vitess, missing: list[str]) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = vt.rpc("GetKeyspace", keyspace=vt.keyspace)["keyspace"]["keyspace"]
    except Unreadable as error:
        missing.append(f"The record of the keyspace could not be read: {error}")
        return {}
    return found


def _routing(
    vt: Vitess, record: Mapping[str, Any], missing: list[str]
) -> tuple[tuple[DisabledService, ...], tuple[DisabledService, ...]]:
    """The services of the shard that are off by cell and type, and those that a cell does not route to at all."""
    try:
        cells = vt.rpc("GetSrvKeyspaces", keyspace=vt.keyspace).get("srv_keyspaces", {})
    except Unreadable as error:
        missing.append(f"How the cells route the keyspace could not be read: {error}")
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
        missing.append(f"Whether a workflow explains this is not known: {error}")
        return None
    return tuple(_workflow(vt, each) for each in told if _touches(vt, each))[:SHOWN]


def _touches(vt: Vitess, workflow: Mapping[str, Any]) -> bool:
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
        frozen=bool(streams) and all(each.get("message") == "FROZEN" for each in streams),
    )


def _rules(vt: Vitess, missing: list[str]) -> tuple[tuple[QueryRule, ...], tuple[str, ...]]:
    """The query rules of every vttablet that answers, and which of them deny tables."""
    found: list[QueryRule] = []
    denying = set()
    for answer in vt.web(Component.VTTABLET, "/debug/query_rules"):
        if not answer.ok or not isinstance(answer.body, Mapping):
            missing.append(f"The query rules of {answer.who} could not be read: {answer.error or 'no JSON came'}")
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
