"""Takes a tablet out of service, or gives it back, by its type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Statement, Verification
from actions.vitess_contract import Tablet, Vitess, alias_record, call, vitess
from actions.vitess_prechecks import (
    ACKERS,
    Member,
    errant,
    keyspace_record,
    members,
    own_tablet,
    primary_alias,
    seen_by_vtgate,
)

CHANGEABLE = ("REPLICA", "RDONLY", "DRAINED", "SPARE")


@dataclass(frozen=True)
class ChangeTabletType(Remediation):
    """Calls ChangeTabletType: DRAINED takes no queries, RDONLY takes those for batches, REPLICA acknowledges commits.

    Vitess keeps no record of who drained a tablet, or why; ask before one is given back.
    """

    tablet_type: Literal["REPLICA", "RDONLY", "DRAINED"]

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    reader: ClassVar[type] = Vitess
    settles_within: ClassVar[float] = 20.0
    needs: ClassVar[Grants] = {
        Flavour.VITESS: ("GetTablets", "GetShard", "GetKeyspace", "GetFullStatus", "vtgate SHOW", "ChangeTabletType"),
    }

    @property
    def takes_out(self) -> bool:
        """Whether it does not serve reads of replicas any more."""
        return self.tablet_type != "REPLICA"

    def check(self, db: MySQL) -> None:
        """Refuses a primary, one in a backup, the last of its kind, and to give back what does not replicate."""
        vt = vitess(db)
        tablet = own_tablet(vt)
        if tablet.type == "PRIMARY" or tablet.alias == primary_alias(vt):
            raise Refused(
                f"{tablet.alias} is the primary of {vt.address}. Move the primary first: vitess.planned_reparent."
            )
        if tablet.type == self.tablet_type:
            raise Refused(f"{tablet.alias} is {self.tablet_type} already.")
        if tablet.type not in CHANGEABLE:
            raise Refused(f"{tablet.alias} is in {tablet.type}; wait until that is over.")
        seen = members(vt)
        if self.tablet_type == "REPLICA":
            self._fit(tablet, seen)
        elif tablet.type == "REPLICA":
            self._others_serve(vt, tablet)
            self._others_acknowledge(vt, tablet, seen)

    def change(self, db: MySQL) -> Iterator[Statement]:
        """ChangeTabletType."""
        yield _change(vitess(db), self.tablet_type)

    def cost(self, db: MySQL) -> str:
        """Who serves instead."""
        vt = vitess(db)
        if not self.takes_out:
            return f"{vt.tablet} serves reads of replicas again. Whoever drained it may still work on it."
        others = [alias for alias in _serving(vt) if alias != vt.tablet]
        return f"Reads of replicas of {vt.address} go to {', '.join(others[:10]) or 'nobody'}."

    def verify(self, db: MySQL) -> Verification:
        """Good once the topology and vtgate have the type, and one that serves is SERVING."""
        vt = vitess(db)
        now = own_tablet(vt).type
        if now != self.tablet_type:
            return Verification(ok=False, says=f"{vt.tablet} is {now}.")
        kind, state = seen_by_vtgate(vt).get(vt.tablet, ("nothing", "away"))
        if kind != self.tablet_type or (self.tablet_type == "REPLICA" and state != "SERVING"):
            says = f"{vt.tablet} is {now}, and vtgate sees it as {kind}, {state}."
            return Verification(ok=False, says=says, settled=False)
        return Verification(ok=True, says=f"{vt.tablet} is {now}, and vtgate sees it so ({state}).")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """ChangeTabletType to the type of now."""
        vt = vitess(db)
        yield _change(vt, own_tablet(vt).type)

    def _fit(self, tablet: Tablet, seen: tuple[Member, ...]) -> None:
        """Raises Refused where the tablet would serve what is old, or what the shard has not."""
        own = next((each for each in seen if each.alias == tablet.alias), None)
        if own is None or own.status is None:
            raise Refused(f"{tablet.alias} does not answer ({own.error if own else 'it is gone'}); mend that first.")
        if not own.replicates:
            raise Refused(
                f"{tablet.alias} does not replicate ({own.stopped}), so it would serve what is old. Mend it first."
            )
        primary = next((each for each in seen if each.tablet.type == "PRIMARY" and each.status is not None), None)
        if primary is None:
            return
        try:
            strange = errant(own.executed, primary.executed)
        except ValueError as error:
            raise Refused(f"The GTIDs of {tablet.alias} could not be compared with the primary's: {error}.") from error
        if strange:
            raise Refused(
                f"{tablet.alias} has {strange} errant GTIDs, for which it may have been drained. Look at them with "
                "mysql.errant_gtids first."
            )

    def _others_serve(self, vt: Vitess, tablet: Tablet) -> None:
        if not [alias for alias in _serving(vt) if alias != tablet.alias]:
            raise Refused(
                f"{tablet.alias} is the last REPLICA of {vt.address} that vtgate serves from; reads of replicas would "
                "fail. Bring another one back first."
            )

    def _others_acknowledge(self, vt: Vitess, tablet: Tablet, seen: tuple[Member, ...]) -> None:
        """Raises Refused where fewer replicas would be left than must acknowledge a commit: writes would hang."""
        policy = str(keyspace_record(vt).get("durability_policy") or "none")
        needed = ACKERS.get(policy, 1)
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
                f"Without {tablet.alias} {len(left)} REPLICA of {vt.address} would acknowledge commits, and its "
                f"durability policy {policy} asks for {needed}: writes would hang. Bring another one back first."
            )


def _serving(vt: Vitess) -> list[str]:
    return sorted(alias for alias, seen in seen_by_vtgate(vt).items() if seen == ("REPLICA", "SERVING"))


def _change(vt: Vitess, to: str) -> Statement:
    return call("ChangeTabletType", tablet_alias=alias_record(vt.tablet), db_type=to)
