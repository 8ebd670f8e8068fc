"""The tablets of a shard, each with the status of its MySQL and with how vtgate sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from actions.contract import Refused, Seconds
from actions.statement_redaction import redact_error
from actions.vitess_contract import Tablet, Vitess, alias_record

RUNS = 3
"""The state of a replication thread that runs (Vitess, replication.ReplicationState)."""


@dataclass(frozen=True, slots=True)
class ShardMember:
    """A tablet with the status of its MySQL server, read through its vttablet."""

    tablet: Tablet
    status: Mapping[str, Any] | None = None
    """replicationdata.FullStatus; None if it could not be read."""
    error: str = ""

    @property
    def alias(self) -> str:
        return self.tablet.alias

    @property
    def replication(self) -> Mapping[str, Any]:
        """Its status as a replica; empty if it does not replicate."""
        return (self.status or {}).get("replication_status") or {}

    @property
    def replicates(self) -> bool:
        """Whether both replication threads run."""
        return self.replication.get("io_state") == RUNS and self.replication.get("sql_state") == RUNS

    @property
    def lag(self) -> Seconds | None:
        """Seconds behind its source; None if unknown."""
        if not self.replication or self.replication.get("replication_lag_unknown"):
            return None
        return float(self.replication.get("replication_lag_seconds", 0))

    @property
    def writable(self) -> bool:
        """Whether its MySQL server accepts writes; False if that could not be read."""
        return self.status is not None and not (self.status.get("super_read_only") or self.status.get("read_only"))

    @property
    def executed(self) -> str:
        """The GTID set that it has executed."""
        primary = (self.status or {}).get("primary_status") or {}
        return str(self.replication.get("position") or primary.get("position") or "")

    @property
    def stopped(self) -> str:
        """The replication threads that do not run, with their errors; '' if both run."""
        said = []
        for thread, state, error in (
            ("receiver", "io_state", "last_io_error"),
            ("applier", "sql_state", "last_sql_error"),
        ):
            if self.replication.get(state) != RUNS:
                told = redact_error(self.replication.get(error))
                said.append(f"the {thread} is stopped" + (f" ({told})" if told else ""))
        return " and ".join(said)


def shard_members(vt: Vitess, *aliases: str) -> tuple[ShardMember, ...]:
    """Returns the tablets of the shard, or those with these aliases, each with its full status. Raises Unreadable.

    Replicas are read before the primary. Otherwise transactions committed in between would look errant on them.
    """
    tablets = [each for each in vt.tablets() if not aliases or each.alias in aliases]
    found: dict[str, ShardMember] = {}
    for turn in (
        [each for each in tablets if each.type != "PRIMARY"],
        [each for each in tablets if each.type == "PRIMARY"],
    ):
        answers = vt.rpcs("GetFullStatus", [{"tablet_alias": alias_record(each.alias)} for each in turn])
        for tablet, answer in zip(turn, answers, strict=True):
            status = (answer.body.get("status") or {}) if answer.ok else None
            found[tablet.alias] = ShardMember(tablet, status, redact_error(answer.error))
    return tuple(found[each.alias] for each in tablets)


def member_of(members: Sequence[ShardMember], alias: str) -> ShardMember | None:
    """Returns the member with this alias, or None where the shard has none."""
    return next((member for member in members if member.alias == alias), None)


def own_tablet(vt: Vitess) -> Tablet:
    """Returns the target tablet; raises Refused if it no longer belongs to the shard."""
    for each in vt.tablets():
        if each.alias == vt.tablet:
            return each
    raise Refused(f"Tablet {vt.tablet} no longer belongs to {vt.address}. Run the runbook on a tablet that does.")


def seen_by_vtgate(vt: Vitess) -> dict[str, tuple[str, str]]:
    """Returns the type and the state of each tablet of the shard as vtgate sees it. Raises Unreadable."""
    rows = vt.vtgate("SHOW VITESS_TABLETS")
    return {
        str(row["Alias"]): (str(row["TabletType"]), str(row["State"]))
        for row in rows
        if (row["Keyspace"], row["Shard"]) == (vt.keyspace, vt.shard)
    }
