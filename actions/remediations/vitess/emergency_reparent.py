"""Makes a replica the primary of its shard while the primary cannot be reached."""

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
from actions.remediations.vitess.planned_reparent import WAIT, serves
from actions.vitess_contract import Vitess, alias_of, alias_record, call, vitess
from actions.vitess_prechecks import (
    NEEDS_OF_VTORC,
    Member,
    keyspace_record,
    members,
    none_at_replica,
    primary_alias,
    shard_record,
)


@dataclass(frozen=True)
class EmergencyReparent(Remediation):
    """Calls EmergencyReparentShard while the primary's vttablet, or its MySQL, is gone and VTOrc does not act.

    The old primary is not touched: where its mysqld lives it stays writable for those who write past vtgate, and what
    no replica had acknowledged stays on it alone.
    """

    new_primary: str = ""
    """The alias of a REPLICA; without it Vitess promotes the one that has most of the primary's transactions."""

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
        """Refuses while the primary answers, while VTOrc would act, and where the replicas cannot take over."""
        vt = vitess(db)
        record = shard_record(vt)
        named = alias_of(record.get("primary_alias"))
        if named != vt.tablet:
            raise Refused(
                f"The record of {vt.address} names {named or 'nobody'} as primary, and not {vt.tablet}. Plan the "
                "change on the primary; it may have been moved already."
            )
        seen = members(vt)
        own = next((each for each in seen if each.alias == vt.tablet), None)
        if own is not None and own.status is not None:
            raise Refused(
                f"The primary {vt.tablet} answers, and an emergency reparent would cost it transactions. Use "
                "vitess.planned_reparent."
            )
        keyspace = keyspace_record(vt)
        self._not_for_vtorc(vt)
        standing = [each for each in seen if each.alias != vt.tablet and each.tablet.type == "REPLICA"]
        self._can_take_over(vt, standing)
        for each in standing:
            if each.status is not None:
                none_at_replica(vt, each.alias, str(keyspace.get("sidecar_db_name") or "_vt"))

    def change(self, db: MySQL) -> Iterator[Statement]:
        """EmergencyReparentShard, and only while the target is still the primary of the record."""
        vt = vitess(db)
        chosen: dict[str, Any] = {"new_primary": alias_record(self.new_primary)} if self.new_primary else {}
        yield call(
            "EmergencyReparentShard",
            keyspace=vt.keyspace,
            shard=vt.shard,
            expected_primary=alias_record(vt.tablet),
            wait_replicas_timeout={"seconds": WAIT},
            **chosen,
        )

    def cost(self, db: MySQL) -> str:
        """What may be lost by it."""
        vt = vitess(db)
        return (
            f"{self.new_primary or 'The replica that has most of its transactions'} becomes the primary of "
            f"{vt.address}. What {vt.tablet} committed and no replica acknowledged is lost to the shard, and may come "
            f"back as errant GTIDs. Its mysqld, if it lives, is not stopped: keep everybody off it who writes past "
            "vtgate."
        )

    def verify(self, db: MySQL) -> Verification:
        """Good once the record, the tablet's type, its MySQL and vtgate agree on another primary."""
        vt = vitess(db)
        now = primary_alias(vt)
        if now == vt.tablet:
            says = f"The record of {vt.address} still names {vt.tablet} as primary."
            return Verification(ok=False, says=says, settled=False)
        if self.new_primary not in ("", now):
            return Verification(ok=False, says=f"{now} is the primary of {vt.address}, and not {self.new_primary}.")
        return serves(vt, now)

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """The old primary is gone, and may have what the shard has not."""
        raise NoUndo(
            "the old primary cannot be reached, and may hold transactions that the shard has not; once it is back "
            "as a replica without errant GTIDs, vitess.planned_reparent moves the primary"
        )

    def _not_for_vtorc(self, vt: Vitess) -> None:
        """Raises Refused where VTOrc makes this reparent by itself: while vttablet answers and its mysqld is dead.

        It never does where the vttablet is dead and the replicas still follow its mysqld (UnreachablePrimary).
        """
        if not _answers(vt):
            return
        seen = vtorc(vt)
        if not seen.acts or not seen.emergency_reparents:
            return
        raise Refused(
            f"The vttablet of {vt.tablet} answers and its MySQL does not: VTOrc is alive and makes that reparent by "
            "itself, in seconds. Look at vitess.vtorc; where it says why it cannot, mend that."
        )

    def _can_take_over(self, vt: Vitess, standing: list[Member]) -> None:
        if not any(each.status is not None and each.replication for each in standing):
            told = "; ".join(f"{each.alias}: {each.error or 'does not replicate'}" for each in standing[:5])
            raise Refused(f"No REPLICA of {vt.address} can be reached, so nobody could take over ({told or 'none'}).")
        if self.new_primary and self.new_primary not in {each.alias for each in standing if each.status is not None}:
            raise Refused(f"{self.new_primary[:60]!r} is no REPLICA of {vt.address} that answers.")


def _answers(vt: Vitess) -> bool:
    """Whether the primary's vttablet answers; it does so while its MySQL is dead."""
    try:
        vt.rpc("PingTablet", tablet_alias=alias_record(vt.tablet))
    except Unreadable:
        return False
    return True
