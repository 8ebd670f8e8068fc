"""What is looked at before a shard of Vitess is changed: its tablets, what is under way, and what VTOrc would do.

Everything here reads, and asks what it can at the same time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from actions.contract import Flavour, Refused, Seconds, Unreadable
from actions.diagnostics.vitess.vtorc import vtorc
from actions.redaction import redact_error
from actions.sql_quoting import identifier
from actions.vitess_contract import Component, Tablet, Vitess, alias_of, alias_record

RUNS = 3
"""The state of a thread of replication that runs (Vitess, replication.ReplicationState)."""
ACKERS = {"none": 0, "semi_sync": 1, "cross_cell": 1}
"""How many replicas must acknowledge a commit, by durability policy; one that is not known here counts as 1."""
MOVES = ("MoveTables", "Reshard", "Migrate")
"""The workflows that switch traffic."""
MOST_KEYSPACES = 50
FROZEN = "FROZEN"
"""The message of a stream whose workflow has switched its writes (Vitess, workflow.Frozen)."""
_PART = re.compile(
    r"(?:MySQL56/)?([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?::[a-z_]\w*)?)((?::\d+(?:-\d+)?)+)"
)


@dataclass(frozen=True, slots=True)
class Member:
    """A tablet, and what its MySQL says through its vttablet."""

    tablet: Tablet
    status: Mapping[str, Any] | None = None
    """replicationdata.FullStatus; None where it could not be read."""
    error: str = ""

    @property
    def alias(self) -> str:
        return self.tablet.alias

    @property
    def replication(self) -> Mapping[str, Any]:
        """What it says as a replica; empty where it is none."""
        return (self.status or {}).get("replication_status") or {}

    @property
    def replicates(self) -> bool:
        """Whether both threads run."""
        return self.replication.get("io_state") == RUNS and self.replication.get("sql_state") == RUNS

    @property
    def lag(self) -> Seconds | None:
        """Seconds behind its source; None where it is not known."""
        if not self.replication or self.replication.get("replication_lag_unknown"):
            return None
        return float(self.replication.get("replication_lag_seconds", 0))

    @property
    def writable(self) -> bool:
        """Whether its MySQL takes writes; False where that could not be read."""
        return self.status is not None and not (self.status.get("super_read_only") or self.status.get("read_only"))

    @property
    def executed(self) -> str:
        """The GTIDs that it has executed."""
        primary = (self.status or {}).get("primary_status") or {}
        return str(self.replication.get("position") or primary.get("position") or "")

    @property
    def stopped(self) -> str:
        """Which threads of replication do not run, with their errors; '' where both run."""
        said = []
        for thread, state, error in (
            ("receiver", "io_state", "last_io_error"),
            ("applier", "sql_state", "last_sql_error"),
        ):
            if self.replication.get(state) != RUNS:
                told = redact_error(self.replication.get(error))
                said.append(f"its {thread} does not run" + (f" ({told})" if told else ""))
        return " and ".join(said)


def members(vt: Vitess, *aliases: str) -> tuple[Member, ...]:
    """The tablets of the shard, or those that are named, with the full status of each. Raises Unreadable.

    Replicas are read before the primary, else what it committed in between would look errant on them.
    """
    tablets = [each for each in vt.tablets() if not aliases or each.alias in aliases]
    found: dict[str, Member] = {}
    for turn in (
        [each for each in tablets if each.type != "PRIMARY"],
        [each for each in tablets if each.type == "PRIMARY"],
    ):
        answers = vt.rpcs("GetFullStatus", [{"tablet_alias": alias_record(each.alias)} for each in turn])
        for tablet, answer in zip(turn, answers, strict=True):
            status = (answer.body.get("status") or {}) if answer.ok else None
            found[tablet.alias] = Member(tablet, status, redact_error(answer.error))
    return tuple(found[each.alias] for each in tablets)


def shard_record(vt: Vitess) -> Mapping[str, Any]:
    """The record of the shard in the topology. Raises Unreadable."""
    found: Mapping[str, Any] = vt.rpc("GetShard", keyspace=vt.keyspace, shard_name=vt.shard)["shard"]["shard"]
    return found


def keyspace_record(vt: Vitess) -> Mapping[str, Any]:
    """The record of the keyspace in the topology. Raises Unreadable."""
    found: Mapping[str, Any] = vt.rpc("GetKeyspace", keyspace=vt.keyspace)["keyspace"]["keyspace"]
    return found


def primary_alias(vt: Vitess) -> str:
    """The alias of the primary by the record of the shard; raises Refused where it names none."""
    found = alias_of(shard_record(vt).get("primary_alias"))
    if not found:
        raise Refused(f"The record of {vt.address} names no primary. VTOrc elects one; look at vitess.vtorc.")
    return found


def own_tablet(vt: Vitess) -> Tablet:
    """The tablet that is the target; raises Refused where the shard has it no more."""
    for each in vt.tablets():
        if each.alias == vt.tablet:
            return each
    raise Refused(f"{vt.address} has no tablet {vt.tablet} any more; look at vitess.shard_health.")


def seen_by_vtgate(vt: Vitess) -> dict[str, tuple[str, str]]:
    """The type and state of each tablet of the shard as a vtgate sees it. Raises Unreadable."""
    rows = vt.vtgate("SHOW VITESS_TABLETS")
    return {
        str(row["Alias"]): (str(row["TabletType"]), str(row["State"]))
        for row in rows
        if (row["Keyspace"], row["Shard"]) == (vt.keyspace, vt.shard)
    }


# -- what is under way --------------------------------------------------------------------------------------------


TWOPCZ = "/twopcz?format=json"
PREPARED = """
SELECT (SELECT COUNT(*) FROM {0}.redo_state) AS prepared, (SELECT COUNT(*) FROM {0}.dt_state) AS distributed
"""


def none_at_primary(vt: Vitess) -> None:
    """Raises Refused where the primary, which is the target, holds distributed transactions, or does not say.

    /twopcz knows what is prepared before GetUnresolvedTransactions tells it. A replica has no such page: its vttablet
    answers with an error.
    """
    (page,) = vt.web(Component.VTTABLET, TWOPCZ, tablet=vt.tablet)
    if not page.ok or not isinstance(page.body, Mapping):
        raise Refused(
            f"{vt.tablet} does not say which distributed transactions it holds, and one that is prepared can keep the "
            f"next primary from serving: {redact_error(page.error) or 'its page is no JSON'}"
        )
    _none(vt.tablet, {name.lower(): len(page.body.get(name) or ()) for name in ("Distributed", "Prepared", "Failed")})


def none_at_replica(vt: Vitess, alias: str, sidecar: str) -> None:
    """Raises Refused where a replica has got distributed transactions from its primary, or cannot be asked for them."""
    try:
        (row,) = vt.beneath(alias).rows(PREPARED.format(identifier(sidecar)))
    except Unreadable as error:
        raise Refused(
            f"Whether {alias} has prepared transactions could not be read, and one can keep the next primary from "
            f"serving: {error}"
        ) from error
    _none(alias, {name: int(row[name]) for name in ("distributed", "prepared")})


def _none(alias: str, counts: Mapping[str, int]) -> None:
    if any(counts.values()):
        said = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        raise Refused(
            f"Distributed transactions have not ended: {said} on {alias}. One that is prepared can keep the next "
            "primary from serving. Look at vitess.unresolved_transactions, and conclude them first."
        )


def workflows(vt: Vitess) -> list[Mapping[str, Any]]:
    """The workflows that move tables or shards from or to the keyspace, wherever they are. Raises Unreadable."""
    names = [str(each["name"]) for each in vt.rpc("GetKeyspaces").get("keyspaces", ())]
    if len(names) > MOST_KEYSPACES:
        raise Refused(f"{vt.cluster} has {len(names)} keyspaces, too many to look for workflows in; look by hand.")
    answers = vt.rpcs("GetWorkflows", [{"keyspace": name} for name in names])
    found = []
    for name, answer in zip(names, answers, strict=True):
        if not answer.ok:
            raise Unreadable(f"The workflows of {name} could not be read: {answer.error}")
        found += [each for each in answer.body.get("workflows", ()) if _moves(each, vt.keyspace)]
    return found


def _moves(workflow: Mapping[str, Any], keyspace: str) -> bool:
    ends = [(workflow.get(end) or {}).get("keyspace") for end in ("source", "target")]
    return workflow.get("workflow_type") in MOVES and keyspace in ends


def named(workflow: Mapping[str, Any]) -> str:
    """A workflow in words."""
    source, target = ((workflow.get(end) or {}).get("keyspace", "?") for end in ("source", "target"))
    return f"{workflow.get('workflow_type')} {str(workflow.get('name'))[:80]} from {source} to {target}"


def no_switch(vt: Vitess, record: Mapping[str, Any]) -> None:
    """Raises Refused where a workflow has switched writes and is not completed, or holds writes up at this moment."""
    for each in workflows(vt):
        streams = [one for part in (each.get("shard_streams") or {}).values() for one in part.get("streams", ())]
        if any(one.get("message") == FROZEN for one in streams):
            raise Refused(
                f"{named(each)} has switched its writes and is not completed. Complete or reverse it first; who works "
                "on it knows which."
            )
    tables = denied_tables(record, "PRIMARY")
    if tables:
        raise Refused(
            f"{vt.address} denies its primary {', '.join(tables[:5])}, as a workflow does while it switches. Finish "
            "that, or see vitess.allow_queries where none is under way."
        )
    if not record.get("is_primary_serving"):
        raise Refused(
            f"The record of {vt.address} says that its primary does not serve, as a Reshard does while it switches. "
            "Finish that, or see vitess.set_primary_serving where none is under way."
        )


def denied_tables(record: Mapping[str, Any], tablet_type: str) -> tuple[str, ...]:
    """The tables that the record of a shard denies to tablets of a type."""
    return tuple(
        str(table)
        for control in record.get("tablet_controls", ())
        if control.get("tablet_type") == tablet_type
        for table in control.get("denied_tables", ())
    )


def no_cut_over(vt: Vitess) -> None:
    """Raises Refused where an online schema change is about to take the place of its table."""
    for migration in vt.rpc("GetSchemaMigrations", keyspace=vt.keyspace, status="RUNNING").get("migrations", ()):
        ready = migration.get("ready_to_complete") and not migration.get("postpone_completion")
        if migration.get("shard") == vt.shard and ready:
            raise Refused(
                f"The schema change {migration.get('uuid')} of {migration.get('table')} is about to cut over on "
                f"{vt.address}. Wait until it is complete, or cancel it first."
            )


# -- GTIDs --------------------------------------------------------------------------------------------------------


def errant(replica: str, primary: str) -> int:
    """How many GTIDs a replica has executed that its primary has not; both are sets, as Vitess or MySQL write them.

    Raises ValueError for what is no set.
    """
    return sum(last - first + 1 for each in _minus(_intervals(replica), _intervals(primary)) for first, last in each)


Intervals = dict[str, list[tuple[int, int]]]


def _intervals(gtids: str) -> Intervals:
    found: Intervals = {}
    for part in filter(None, (each.strip() for each in gtids.split(","))):
        parsed = _PART.fullmatch(part)
        if parsed is None:
            raise ValueError(f"{part[:60]!r} is no part of a set of GTIDs")
        for interval in parsed[2].strip(":").split(":"):
            first, _, last = interval.partition("-")
            found.setdefault(parsed[1].lower(), []).append((int(first), int(last or first)))
    return found


def _minus(one: Intervals, other: Intervals) -> Iterator[list[tuple[int, int]]]:
    for source, intervals in one.items():
        left = intervals
        for first, last in other.get(source, ()):
            left = [piece for each in left for piece in _cut(each, first, last)]
        yield left


def _cut(interval: tuple[int, int], first: int, last: int) -> Iterator[tuple[int, int]]:
    """What is left of an interval without another one."""
    begin, end = interval
    if begin < first:
        yield begin, min(end, first - 1)
    if end > last:
        yield max(begin, last + 1), end


# -- VTOrc --------------------------------------------------------------------------------------------------------


NEEDS_OF_VTORC = vtorc.needs[Flavour.VITESS]


def left_to_vtorc(vt: Vitess, what: str) -> None:
    """Raises Refused where a VTOrc lives and may act on the shard, since it does `what` by itself."""
    if vtorc(vt).acts:
        raise Refused(
            f"VTOrc lives and may act on {vt.address}: it {what} by itself within seconds. Wait for it, and look at "
            "vitess.vtorc where it does not."
        )
