"""Makes vttablets read their records in the topology again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Statement, Verification
from actions.vitess_contract import Vitess, alias_record, call, runbook_command, vitess
from actions.vitess_shard_members import ShardMember, shard_members


@dataclass(frozen=True)
class RefreshState(Remediation):
    """Calls RefreshState for the tablet, or RefreshStateByShard for its shard; no record is changed."""

    scope: Literal["tablet", "shard"] = "tablet"
    """Whether the target tablet or all tablets of its shard are refreshed."""

    risk: ClassVar[Risk] = Risk.REVERSIBLE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = {
        Flavour.VITESS: ("GetTablets", "GetFullStatus", "RefreshState", "RefreshStateByShard"),
    }

    def check(self, db: MySQL) -> None:
        """Refuses if none of these vttablets answers."""
        vt = vitess(db)
        seen = self._members(vt)
        if all(each.status is None for each in seen):
            told = "; ".join(f"{each.alias}: {each.error}" for each in seen[:5]) or f"{vt.tablet} is gone"
            raise Refused(
                f"No vttablet of {vt.address} answers ({told}). Continue with {runbook_command(vt, 'vitess/shard')}."
            )

    def change(self, db: MySQL) -> Iterator[Statement]:
        """RefreshState, or RefreshStateByShard."""
        vt = vitess(db)
        if self.scope == "tablet":
            yield call("RefreshState", tablet_alias=alias_record(vt.tablet))
        else:
            yield call("RefreshStateByShard", keyspace=vt.keyspace, shard=vt.shard)

    def verify(self, db: MySQL) -> Verification:
        """Succeeds while each tablet that answers has the type that the topology records."""
        vt = vitess(db)
        seen = [each for each in self._members(vt) if each.status is not None]
        other = [each for each in seen if (each.status or {}).get("tablet_type", each.tablet.type) != each.tablet.type]
        if not seen:
            return Verification(ok=False, says=f"No tablet of {vt.address} answers.")
        if other:
            says = f"Tablets that do not have their recorded type yet: {', '.join(each.alias for each in other[:5])}."
            return Verification(ok=False, says=says, settled=False)
        return Verification(ok=True, says=f"{len(seen)} tablets of {vt.address} answer and have their recorded type.")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """Nothing: no record was changed."""
        yield from ()

    def _members(self, vt: Vitess) -> tuple[ShardMember, ...]:
        return shard_members(vt, vt.tablet) if self.scope == "tablet" else shard_members(vt)
