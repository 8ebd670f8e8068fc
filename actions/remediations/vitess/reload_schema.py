"""Lets the vttablets of a shard read the tables of their MySQL again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Statement, Unreadable, Verification
from actions.vitess_contract import Component, Vitess, alias_record, call, vitess

KNOWN = "/debug/schema"
CONCURRENCY = 10


@dataclass(frozen=True)
class ReloadSchema(Remediation):
    """Calls ReloadSchemaShard, after a table was changed past vtgate; no table is changed by it."""

    risk: ClassVar[Risk] = Risk.REVERSIBLE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = {Flavour.VITESS: ("GetSchema", f"vttablet {KNOWN}", "ReloadSchemaShard")}

    def check(self, db: MySQL) -> None:
        """Refuses while no vttablet of the shard answers."""
        vt = vitess(db)
        pages = vt.web(Component.VTTABLET, KNOWN)
        if not any(page.ok for page in pages):
            told = "; ".join(f"{page.who}: {page.error}" for page in pages[:5])
            raise Refused(f"No vttablet of {vt.address} answers ({told}). Look at vitess.shard_health.")

    def change(self, db: MySQL) -> Iterator[Statement]:
        """ReloadSchemaShard, the primary included."""
        vt = vitess(db)
        yield call(
            "ReloadSchemaShard",
            keyspace=vt.keyspace,
            shard=vt.shard,
            include_primary=True,
            concurrency=CONCURRENCY,
        )

    def cost(self, db: MySQL) -> str:
        """What each MySQL has to do."""
        return f"Each vttablet of {vitess(db).address} reads the columns of all its tables from information_schema."

    def verify(self, db: MySQL) -> Verification:
        """Good once the target's vttablet knows the columns that its MySQL has; the others are not asked."""
        vt = vitess(db)
        (page,) = vt.web(Component.VTTABLET, KNOWN, tablet=vt.tablet)
        if not page.ok or not isinstance(page.body, Mapping):
            raise Unreadable(f"{vt.tablet} did not tell the tables that it knows: {page.error or 'no JSON'}")
        known = _known(page.body)
        answer = vt.rpc("GetSchema", tablet_alias=alias_record(vt.tablet))
        there = _there(answer)
        stale = sorted(name for name, columns in there.items() if known.get(name) != columns)
        if stale:
            says = f"{vt.tablet} does not know {', '.join(stale[:5])} as its MySQL has it."
            return Verification(ok=False, says=says, settled=False)
        return Verification(ok=True, says=f"{vt.tablet} knows the {len(there)} tables of its MySQL, and their columns.")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """Nothing was changed that could be restored."""
        yield from ()


def _known(page: Mapping[str, Any]) -> dict[str, list[str]]:
    """The columns of each table by a vttablet's page."""
    return {
        name: [str(field.get("name")) for field in table.get("Fields") or ()]
        for name, table in page.items()
        if isinstance(table, Mapping)
    }


def _there(answer: Mapping[str, Any]) -> dict[str, list[str]]:
    """The columns of each table as MySQL has them, internal tables of Vitess left out."""
    definitions = (answer.get("schema") or {}).get("table_definitions", ())
    return {
        str(each.get("name")): [str(column) for column in each.get("columns", ())]
        for each in definitions
        if not str(each.get("name")).startswith("_vt_")
    }
