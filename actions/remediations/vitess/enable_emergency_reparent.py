"""Lets VTOrc run emergency reparents again after they were left disabled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Statement, Verification
from actions.vitess_contract import Vitess, call, vitess
from actions.vitess_records import emergency_reparent_disabled, keyspace_record, shard_record

UNSHARDED = ("0", "-")
"""Names of the only shard of an unsharded keyspace; Vitess stores its switch in the keyspace record."""


@dataclass(frozen=True)
class EnableEmergencyReparent(Remediation):
    """Calls SetVtorcEmergencyReparent with `disable` false, for the shard or for the keyspace."""

    scope: Literal["shard", "keyspace"] = "shard"
    """Whether the switch of the shard or of the whole keyspace is reset."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = {Flavour.VITESS: ("GetShard", "GetKeyspace", "SetVtorcEmergencyReparent")}

    def check(self, db: MySQL) -> None:
        """Refuses if it is not disabled in this scope, and says in which it is."""
        vt = vitess(db)
        if self.scope == "shard" and vt.shard in UNSHARDED:
            raise Refused(
                f"{vt.address} is not sharded, and Vitess stores its switch in the keyspace record. Use scope "
                "`keyspace`."
            )
        if self._disabled(vt):
            return
        other = EnableEmergencyReparent("keyspace" if self.scope == "shard" else "shard")
        there = f" They are disabled for the {other.scope}." if other._disabled(vt) else ""
        raise Refused(f"Emergency reparents are not disabled for the {self.scope} of {vt.address}.{there}")

    def change(self, db: MySQL) -> Iterator[Statement]:
        """SetVtorcEmergencyReparent."""
        yield self._set(vitess(db), disable=False)

    def cost(self, db: MySQL) -> str:
        """What VTOrc does next, and who may object."""
        vt = vitess(db)
        where = vt.address if self.scope == "shard" else f"every shard of {vt.keyspace}"
        return (
            f"VTOrc fails over {where} when a primary dies, and at once if one is dead now. The person who disabled "
            "it may still be working on something; ask first."
        )

    def verify(self, db: MySQL) -> Verification:
        """Succeeds while it is not disabled."""
        vt = vitess(db)
        disabled = self._disabled(vt)
        says = (
            f"Emergency reparents are {'still' if disabled else 'not'} disabled for the {self.scope} of {vt.address}."
        )
        return Verification(ok=not disabled, says=says)

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """SetVtorcEmergencyReparent with `disable` true."""
        yield self._set(vitess(db), disable=True)

    def _disabled(self, vt: Vitess) -> bool:
        record = shard_record(vt) if self.scope == "shard" else keyspace_record(vt)
        return emergency_reparent_disabled(record)

    def _set(self, vt: Vitess, *, disable: bool) -> Statement:
        where = {"shard": vt.shard} if self.scope == "shard" else {}
        return call("SetVtorcEmergencyReparent", keyspace=vt.keyspace, **where, disable=disable)
