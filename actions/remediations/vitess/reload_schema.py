"""Makes the vttablets of a shard read the tables of their MySQL servers again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Statement, Unreadable, Verification
from actions.vitess_contract import Component, Vitess, alias_record, call, runbook_command, vitess

KNOWN = "/debug/schema"
CONCURRENCY = 10


@dataclass(frozen=True)
class ReloadSchema(Remediation):
    """Calls ReloadSchemaShard after a table was changed without vtgate; no table is changed."""

    risk: ClassVar[Risk] = Risk.REVERSIBLE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = {Flavour.VITESS: ("GetSchema", f"vttablet {KNOWN}", "ReloadSchemaShard")}

    def check(self, db: MySQL) -> None:
        """Refuses while no vttablet of the shard answers."""
        vt = vitess(db)
        pages = vt.web(Component.VTTABLET, KNOWN)
        if not any(page.ok for page in pages):
            told = "; ".join(f"{page.who}: {page.error}" for page in pages[:5])
            raise Refused(
                f"No vttablet of {vt.address} answers ({told}). Continue with {runbook_command(vt, 'vitess/shard')}."
            )

    def change(self, db: MySQL) -> Iterator[Statement]:
        """ReloadSchemaShard, including the primary."""
        vt = vitess(db)
        yield call(
            "ReloadSchemaShard",
            keyspace=vt.keyspace,
            shard=vt.shard,
            include_primary=True,
            concurrency=CONCURRENCY,
        )

    def cost(self, db: MySQL) -> str:
        """What each MySQL server has to do."""
        return f"Each vttablet of {vitess(db).address} reads the columns of all its tables from information_schema."

    def verify(self, db: MySQL) -> Verification:
        """Succeeds once the target's vttablet knows the columns that its MySQL server has; other tablets are not
        checked."""
        vt = vitess(db)
        (page,) = vt.web(Component.VTTABLET, KNOWN, tablet=vt.tablet)
        if not page.ok or not isinstance(page.body, Mapping):
            raise Unreadable(
                f"The tables that {vt.tablet} knows could not be read: {page.error or 'the page is not JSON'}"
            )
        known = _known(page.body)
        answer = vt.rpc("GetSchema", tablet_alias=alias_record(vt.tablet))
        there = _there(answer)
        stale = sorted(name for name, columns in there.items() if known.get(name) != columns)
        if stale:
            says = f"{vt.tablet} knows other columns than its MySQL server has in {', '.join(stale[:5])}."
            return Verification(ok=False, says=says, settled=False)
        return Verification(
            ok=True, says=f"{vt.tablet} knows the columns of all {len(there)} tables of its MySQL server."
        )

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """Nothing: no table was changed."""
        yield from ()


def _known(page: Mapping[str, Any]) -> dict[str, list[str]]:
    """Returns the columns of each table from a vttablet's page."""
    return {
        name: [str(field.get("name")) for field in table.get("Fields") or ()]
        for name, table in page.items()
        if isinstance(table, Mapping)
    }


def _there(answer: Mapping[str, Any]) -> dict[str, list[str]]:
    """Returns the columns of each table as MySQL has them, without Vitess's internal tables."""
    definitions = (answer.get("schema") or {}).get("table_definitions", ())
    return {
        str(each.get("name")): [str(column) for column in each.get("columns", ())]
        for each in definitions
        if not str(each.get("name")).startswith("_vt_")
    }
