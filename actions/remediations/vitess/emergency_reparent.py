"""Promotes a replica of a shard while its primary cannot be reached."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from actions.contract import (
    Flavour,
    Grants,
    MySQL,
    NoUndo,
    Refused,
    Remediation,
    Risk,
    Statement,
    Unreadable,
    Verification,
)
from actions.diagnostics.vitess.vtorc import vtorc
from actions.remediations.vitess.planned_reparent import REPLICAS_TIMEOUT, verify_primary_moved
from actions.vitess_contract import Vitess, alias_of, alias_record, call, runbook_command, vitess
from actions.vitess_prechecks import NEEDS_OF_VTORC, refuse_prepared_at_replica
from actions.vitess_records import keyspace_record, shard_record
from actions.vitess_shard_members import ShardMember, member_of, shard_members


@dataclass(frozen=True)
class EmergencyReparent(Remediation):
    """Calls EmergencyReparentShard while the primary's vttablet or mysqld is dead and VTOrc does not act.

    The old primary is not touched. If its mysqld is running, it stays writable for clients that bypass vtgate, and
    transactions that no replica acknowledged exist on it alone.
    """

    new_primary: str = ""
    """The alias of a REPLICA; if empty, Vitess promotes the replica with the most transactions of the primary."""

    risk: ClassVar[Risk] = Risk.DESTRUCTIVE
    reader: ClassVar[type] = Vitess
    settles_within: ClassVar[float] = 30.0
    needs: ClassVar[Grants] = {
        Flavour.VITESS: (
            "GetTablets",
            "GetFullStatus",
            "PingTablet",
            *NEEDS_OF_VTORC,
            "vtgate SHOW",
            "EmergencyReparentShard",
        ),
        Flavour.MYSQL: ("SELECT ON _vt.*",),
    }

    def check(self, db: MySQL) -> None:
        """Refuses while the primary answers, while VTOrc would act, and if no replica can take over."""
        vt = vitess(db)
        record = shard_record(vt)
        named = alias_of(record.get("primary_alias"))
        if named != vt.tablet:
            raise Refused(
                f"The shard record of {vt.address} names {named or 'no tablet'} as primary, not {vt.tablet}; the "
                "primary may have been moved already. Choose the primary as the target."
            )
        seen = shard_members(vt)
        own = member_of(seen, vt.tablet)
        if own is not None and own.status is not None:
            raise Refused(
                f"The primary {vt.tablet} responds, and an emergency reparent would lose transactions. Use a planned "
                f"reparent: vtctldclient PlannedReparentShard {vt.address}."
            )
        keyspace = keyspace_record(vt)
        self._refuse_if_vtorc_reparents(vt)
        standing = [each for each in seen if each.alias != vt.tablet and each.tablet.type == "REPLICA"]
        self._refuse_without_successor(vt, standing)
        for each in standing:
            if each.status is not None:
                refuse_prepared_at_replica(vt, each.alias, str(keyspace.get("sidecar_db_name") or "_vt"))

    def change(self, db: MySQL) -> Iterator[Statement]:
        """EmergencyReparentShard, on condition that the target is still the recorded primary."""
        vt = vitess(db)
        chosen: dict[str, Any] = {"new_primary": alias_record(self.new_primary)} if self.new_primary else {}
        yield call(
            "EmergencyReparentShard",
            keyspace=vt.keyspace,
            shard=vt.shard,
            expected_primary=alias_record(vt.tablet),
            wait_replicas_timeout={"seconds": REPLICAS_TIMEOUT},
            **chosen,
        )

    def cost(self, db: MySQL) -> str:
        """What may be lost."""
        vt = vitess(db)
        return (
            f"{self.new_primary or 'The replica with the most transactions'} becomes the primary of {vt.address}. "
            f"Transactions that {vt.tablet} committed and no replica acknowledged are lost, and may return as errant "
            "GTIDs. Its mysqld is not stopped: if it is running, block clients that write to it without vtgate."
        )

    def verify(self, db: MySQL) -> Verification:
        """Succeeds once the shard record, the tablet's type, its MySQL server and vtgate agree on another primary."""
        return verify_primary_moved(vitess(db), self.new_primary)

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """None: the old primary may have transactions that the shard lacks."""
        raise NoUndo(
            "the old primary cannot be reached and may have transactions that the shard lacks; once it is a replica "
            "without errant GTIDs again, a planned reparent can move the primary back"
        )

    def _refuse_if_vtorc_reparents(self, vt: Vitess) -> None:
        """Raises Refused if VTOrc runs this reparent itself: the vttablet answers and its mysqld is dead.

        VTOrc never does so if the vttablet is dead and the replicas still replicate from its mysqld
        (UnreachablePrimary).
        """
        if not _answers(vt):
            return
        seen = vtorc(vt)
        if not seen.acts or not seen.emergency_reparents:
            return
        raise Refused(
            f"The vttablet of {vt.tablet} responds but its MySQL server does not. VTOrc is running and will fail over "
            f"within seconds. If it does not, continue with {runbook_command(vt, 'vitess/vtorc')}."
        )

    def _refuse_without_successor(self, vt: Vitess, standing: list[ShardMember]) -> None:
        if not any(each.status is not None and each.replication for each in standing):
            told = "; ".join(f"{each.alias}: {each.error or 'does not replicate'}" for each in standing[:5])
            raise Refused(
                f"No REPLICA of {vt.address} can be reached, so none can take over ({told or 'it has none'}). Restore "
                "one first."
            )
        if self.new_primary and self.new_primary not in {each.alias for each in standing if each.status is not None}:
            raise Refused(
                f"{self.new_primary[:60]!r} is not a REPLICA of {vt.address} that responds; "
                f"{runbook_command(vt, 'vitess/shard')} lists the tablets."
            )


def _answers(vt: Vitess) -> bool:
    """Whether the primary's vttablet answers; it does so while its mysqld is dead."""
    try:
        vt.rpc("PingTablet", tablet_alias=alias_record(vt.tablet))
    except Unreadable:
        return False
    return True
