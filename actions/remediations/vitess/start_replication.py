"""Starts the replication of a tablet if VTOrc does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Statement, Verification
from actions.remediations.mysql.start_replica import StartReplica
from actions.vitess_contract import Vitess, alias_record, call, vitess
from actions.vitess_prechecks import NEEDS_OF_VTORC, refuse_if_vtorc_acts
from actions.vitess_records import primary_alias
from actions.vitess_shard_members import member_of, own_tablet, shard_members


@dataclass(frozen=True)
class StartReplication(Remediation):
    """Calls StartReplication, which sets semi-sync by the durability policy and starts both threads."""

    stopped_by_hand_too: bool = False
    """Whether to start threads that stopped without an error. After a restart of mysqld they are stopped although
    nobody stopped them."""

    risk: ClassVar[Risk] = Risk.REVERSIBLE
    reader: ClassVar[type] = Vitess
    settles_within: ClassVar[float] = 12.0
    holds_for: ClassVar[float] = 1.5
    """Longer than an applier takes to fail with the same error again."""
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
        """Refuses while VTOrc starts it, the primary, and what mysql.start_replica would refuse."""
        vt = vitess(db)
        tablet = own_tablet(vt)
        if vt.tablet == primary_alias(vt):
            raise Refused(f"{vt.tablet} is the primary of {vt.address} and does not replicate.")
        if tablet.type in ("BACKUP", "RESTORE"):
            raise Refused(
                f"The type of {vt.tablet} is {tablet.type}; its replication starts when the backup or restore has "
                "ended. Wait until then."
            )
        refuse_if_vtorc_acts(vt, f"starts the replication of {vt.tablet}")
        StartReplica(stopped_by_hand_too=self.stopped_by_hand_too).check(vt.mysql_of(vt.tablet))

    def change(self, db: MySQL) -> Iterator[Statement]:
        """StartReplication."""
        yield call("StartReplication", tablet_alias=alias_record(vitess(db).tablet))

    def verify(self, db: MySQL) -> Verification:
        """Succeeds while both threads run."""
        vt = vitess(db)
        member = member_of(shard_members(vt, vt.tablet), vt.tablet)
        if member is None or member.status is None:
            return Verification(ok=False, says=f"{vt.tablet} does not answer.", settled=False)
        if not member.replicates:
            failed = bool(member.replication.get("last_sql_error"))
            says = f"{vt.tablet} does not replicate: {member.stopped}."
            return Verification(ok=False, says=says, settled=failed)
        lag = "lag unknown" if member.lag is None else f"{member.lag:g} s behind"
        return Verification(ok=True, says=f"{vt.tablet} replicates, {lag}.")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """StopReplication; a VTOrc that is running again by then restarts it."""
        yield call("StopReplication", tablet_alias=alias_record(vitess(db).tablet))
