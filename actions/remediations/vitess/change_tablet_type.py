"""Takes a tablet out of service, or returns it to service, by changing its type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Statement, Verification
from actions.gtid_set_parser import count_missing
from actions.vitess_contract import Tablet, Vitess, alias_record, call, runbook_command, vitess
from actions.vitess_records import durability_policy, keyspace_record, primary_alias
from actions.vitess_shard_members import ShardMember, member_of, own_tablet, seen_by_vtgate, shard_members

CHANGEABLE = ("REPLICA", "RDONLY", "DRAINED", "SPARE")
"""Types that the change starts from."""
LAST_GTID = 2**63 - 2
"""The largest number of a transaction (MySQL manual, GTID Life Cycle)."""
ACKNOWLEDGEMENTS = {"none": 0, "semi_sync": 1, "cross_cell": 1}
"""Replicas that must acknowledge a commit, by durability policy; a policy that is not listed counts as 1."""


@dataclass(frozen=True)
class ChangeTabletType(Remediation):
    """Changes the tablet's type: DRAINED serves no queries, RDONLY serves batch queries, REPLICA serves reads.

    Only a REPLICA acknowledges commits. Vitess does not record who drained a tablet, or why; ask before returning one
    to service.
    """

    tablet_type: Literal["REPLICA", "RDONLY", "DRAINED"]
    """The type that the tablet gets."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    reader: ClassVar[type] = Vitess
    settles_within: ClassVar[float] = 20.0
    needs: ClassVar[Grants] = {
        Flavour.VITESS: ("GetTablets", "GetShard", "GetKeyspace", "GetFullStatus", "vtgate SHOW", "ChangeTabletType"),
    }

    @property
    def takes_out(self) -> bool:
        """Whether it stops serving the reads of replicas."""
        return self.tablet_type != "REPLICA"

    def check(self, db: MySQL) -> None:
        """Refuses a primary, a tablet in a backup, the last serving REPLICA, and returning a tablet that does not
        replicate."""
        vt = vitess(db)
        tablet = own_tablet(vt)
        if tablet.type == "PRIMARY" or tablet.alias == primary_alias(vt):
            raise Refused(
                f"{tablet.alias} is the primary of {vt.address}. Move the primary first: vtctldclient "
                f"PlannedReparentShard {vt.address}."
            )
        if tablet.type == self.tablet_type:
            raise Refused(f"{tablet.alias} is {self.tablet_type} already.")
        if tablet.type not in CHANGEABLE:
            raise Refused(f"The type of {tablet.alias} is {tablet.type}. Wait until its backup or restore has ended.")
        seen = shard_members(vt)
        if self.tablet_type == "REPLICA":
            self._refuse_unfit(vt, tablet, seen)
        elif tablet.type == "REPLICA":
            self._refuse_last_serving(vt, tablet)
            self._refuse_too_few_acknowledging(vt, tablet, seen)

    def change(self, db: MySQL) -> Iterator[Statement]:
        """ChangeTabletType."""
        yield _change(vitess(db), self.tablet_type)

    def cost(self, db: MySQL) -> str:
        """Which tablets serve instead."""
        vt = vitess(db)
        if not self.takes_out:
            return (
                f"{vt.tablet} serves replica reads again. The person who drained it may still be working on it; ask "
                "first."
            )
        others = [alias for alias in _serving(vt) if alias != vt.tablet]
        return f"Replica reads of {vt.address} go to {', '.join(others[:10]) or 'no tablet'}."

    def verify(self, db: MySQL) -> Verification:
        """Succeeds once the topology and vtgate have the type, and a REPLICA is SERVING."""
        vt = vitess(db)
        now = own_tablet(vt).type
        if now != self.tablet_type:
            return Verification(ok=False, says=f"{vt.tablet} is {now}.")
        kind, state = seen_by_vtgate(vt).get(vt.tablet, ("nothing", "away"))
        if kind != self.tablet_type or (self.tablet_type == "REPLICA" and state != "SERVING"):
            says = f"{vt.tablet} is {now} in the topology, but vtgate sees it as {kind}, {state}."
            return Verification(ok=False, says=says, settled=False)
        return Verification(ok=True, says=f"{vt.tablet} is {now} in the topology and at vtgate ({state}).")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """ChangeTabletType to the present type."""
        vt = vitess(db)
        yield _change(vt, own_tablet(vt).type)

    def _refuse_unfit(self, vt: Vitess, tablet: Tablet, seen: tuple[ShardMember, ...]) -> None:
        """Raises Refused if the tablet would serve stale rows, or rows that the shard does not have."""
        own = member_of(seen, tablet.alias)
        if own is None or own.status is None:
            raise Refused(f"{tablet.alias} does not answer ({own.error if own else 'it is gone'}). Restore it first.")
        if not own.replicates:
            raise Refused(
                f"{tablet.alias} does not replicate ({own.stopped}), so it would serve stale rows. Fix its replication "
                f"first: {runbook_command(vt, 'vitess/shard')}."
            )
        primary = next((each for each in seen if each.tablet.type == "PRIMARY" and each.status is not None), None)
        if primary is None:
            return
        try:
            strange = count_missing(own.executed, f"{primary.executed},{_in_flight(primary)}".strip(","))
        except ValueError as error:
            raise Refused(
                f"The GTID set of {tablet.alias} could not be compared with the primary's: {error}."
            ) from error
        if strange:
            raise Refused(
                f"{tablet.alias} has {strange} errant GTIDs, which may be why it was drained. Examine them first: "
                f"{runbook_command(vt, 'vitess/errant-gtids')}."
            )

    def _refuse_last_serving(self, vt: Vitess, tablet: Tablet) -> None:
        if not [alias for alias in _serving(vt) if alias != tablet.alias]:
            raise Refused(
                f"{tablet.alias} is the last REPLICA of {vt.address} that serves reads; replica reads would fail. "
                "Return another tablet to service first."
            )

    def _refuse_too_few_acknowledging(self, vt: Vitess, tablet: Tablet, seen: tuple[ShardMember, ...]) -> None:
        """Raises Refused if fewer replicas would remain than must acknowledge a commit: writes would hang."""
        policy = durability_policy(keyspace_record(vt))
        needed = ACKNOWLEDGEMENTS.get(policy, 1)
        primary = next((each for each in seen if each.tablet.type == "PRIMARY"), None)
        left = [
            each
            for each in seen
            if each.alias != tablet.alias
            and each.tablet.type == "REPLICA"
            and each.replicates
            and (policy != "cross_cell" or primary is None or each.tablet.cell != primary.tablet.cell)
        ]
        if len(left) < needed:
            raise Refused(
                f"Without {tablet.alias}, {len(left)} REPLICA tablets of {vt.address} would acknowledge commits, but "
                f"the durability policy {policy} requires {needed}: writes would hang. Return another tablet to "
                "service first."
            )


def _in_flight(primary: ShardMember) -> str:
    """Returns the GTIDs that the primary may have sent and not committed: while commits wait for an acknowledgement.

    With AFTER_SYNC, the wait point of Vitess, a replica executes a transaction before the primary commits it (MySQL
    manual, rpl_semi_sync_source_wait_point). Such a transaction is not errant, whatever its number.
    """
    status = primary.status or {}
    waits = status.get("semi_sync_primary_enabled") and int(status.get("semi_sync_primary_clients", 0)) < int(
        status.get("semi_sync_wait_for_replica_count", 0)
    )
    server = str(status.get("server_uuid", ""))
    return f"{server}:1-{LAST_GTID}" if server and (waits or status.get("semi_sync_blocked")) else ""


def _serving(vt: Vitess) -> list[str]:
    return sorted(alias for alias, seen in seen_by_vtgate(vt).items() if seen == ("REPLICA", "SERVING"))


def _change(vt: Vitess, to: str) -> Statement:
    return call("ChangeTabletType", tablet_alias=alias_record(vt.tablet), db_type=to)
