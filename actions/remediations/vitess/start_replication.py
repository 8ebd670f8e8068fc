"""Starts the replication of a tablet while VTOrc does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Statement, Verification
from actions.remediations.mysql.start_replica import StartReplica
from actions.vitess_contract import Vitess, alias_record, call, vitess
from actions.vitess_prechecks import NEEDS_OF_VTORC, left_to_vtorc, members, own_tablet, primary_alias


@dataclass(frozen=True)
class StartReplication(Remediation):
    """Calls StartReplication, which sets semi-sync by the durability policy and starts both threads."""

    stopped_by_hand_too: bool = False
    """Whether to start threads that stopped without an error; after a start of mysqld they stand without any hand."""

    risk: ClassVar[Risk] = Risk.REVERSIBLE
    reader: ClassVar[type] = Vitess
    settles_within: ClassVar[float] = 12.0
    holds_for: ClassVar[float] = 1.5
    """Longer than it takes an applier to run into the same error again."""
    needs: ClassVar[Grants] = {
        Flavour.VITESS: (
            "GetTablets",
            "GetFullStatus",
            *NEEDS_OF_VTORC,
            "StartReplication",
            "StopReplication",
        ),
        Flavour.MYSQL: StartReplica.needs[Flavour.MYSQL][:-1],
    }

    def check(self, db: MySQL) -> None:
        """Refuses while VTOrc does it by itself, the primary, and what mysql.start_replica would refuse."""
        vt = vitess(db)
        tablet = own_tablet(vt)
        if vt.tablet == primary_alias(vt):
            raise Refused(f"{vt.tablet} is the primary of {vt.address}, and follows nobody.")
        if tablet.type in ("BACKUP", "RESTORE"):
            raise Refused(f"{vt.tablet} is in {tablet.type}, which starts replication itself when it is done.")
        left_to_vtorc(vt, f"starts the replication of {vt.tablet}")
        StartReplica(stopped_by_hand_too=self.stopped_by_hand_too).check(vt.beneath(vt.tablet))

    def change(self, db: MySQL) -> Iterator[Statement]:
        """StartReplication."""
        yield call("StartReplication", tablet_alias=alias_record(vitess(db).tablet))

    def verify(self, db: MySQL) -> Verification:
        """Good while both threads run."""
        vt = vitess(db)
        (member,) = members(vt, vt.tablet) or (None,)
        if member is None or member.status is None:
            return Verification(ok=False, says=f"{vt.tablet} does not answer.", settled=False)
        if not member.replicates:
            failed = bool(member.replication.get("last_sql_error"))
            says = f"{vt.tablet} does not replicate: {member.stopped}."
            return Verification(ok=False, says=says, settled=failed)
        lag = "lag unknown" if member.lag is None else f"{member.lag:g} s behind"
        return Verification(ok=True, says=f"{vt.tablet} replicates, {lag}.")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """StopReplication; a VTOrc that is back by then starts it again."""
        yield call("StopReplication", tablet_alias=alias_record(vitess(db).tablet))
