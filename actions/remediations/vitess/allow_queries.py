"""Lets tablets of a type take queries again that the topology keeps from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Statement, Verification
from actions.vitess_contract import Vitess, call, vitess
from actions.vitess_prechecks import denied_tables, named, shard_record, workflows


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is kept from tablets of a type."""

    tables: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    """Where the tables are denied; none for all."""
    frozen: bool = False
    disabled: tuple[str, ...] = ()
    """The cells in which the query service is disabled."""


@dataclass(frozen=True)
class AllowQueries(Remediation):
    """Removes the denied tables of a type of tablet, or enables its query service, and refreshes the tablets."""

    tablet_type: Literal["PRIMARY", "REPLICA", "RDONLY"] = "PRIMARY"

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    reader: ClassVar[type] = Vitess
    settles_within: ClassVar[float] = 20.0
    needs: ClassVar[Grants] = {
        Flavour.VITESS: (
            "GetShard",
            "GetSrvKeyspaces",
            "GetKeyspaces",
            "GetWorkflows",
            "SetShardTabletControl",
            "RefreshStateByShard",
        ),
    }

    def check(self, db: MySQL) -> None:
        """Refuses where nothing is kept from them, and where a workflow put it there."""
        vt = vitess(db)
        kept = self._kept(vt)
        if not kept.tables and not kept.disabled:
            raise Refused(f"Nothing is kept from the {self.tablet_type} tablets of {vt.address} by the topology.")
        if kept.frozen:
            raise Refused(
                f"The control of {self.tablet_type} of {vt.address} is frozen: a workflow has moved its data, and it "
                "must not serve again."
            )
        under_way = workflows(vt)
        if under_way:
            raise Refused(
                f"{'; '.join(named(each) for each in under_way[:3])} is there, and such a workflow keeps queries away "
                "while it switches. Complete, reverse or cancel it; that puts this right, too."
            )

    def change(self, db: MySQL) -> Iterator[Statement]:
        """SetShardTabletControl for what is kept away now, and RefreshStateByShard, without which nothing changes."""
        vt = vitess(db)
        kept = self._kept(vt)
        if kept.tables:
            yield self._control(vt, kept.cells, denied_tables=list(kept.tables), remove=True)
        if kept.disabled:
            yield self._control(vt, kept.disabled, disable_query_service=False)
        yield call("RefreshStateByShard", keyspace=vt.keyspace, shard=vt.shard)

    def cost(self, db: MySQL) -> str:
        """What is served again, and what clients wait for."""
        vt = vitess(db)
        kept = self._kept(vt)
        what = f"queries of {', '.join(kept.tables[:10])}" if kept.tables else "queries"
        return (
            f"{self.tablet_type} tablets of {vt.address} take {what} again; a vtgate that buffers for them may go on "
            "to do so for up to 20 seconds."
        )

    def verify(self, db: MySQL) -> Verification:
        """Good while the topology keeps nothing from them."""
        vt = vitess(db)
        kept = self._kept(vt)
        if kept.tables or kept.disabled:
            return Verification(
                ok=False, says=f"Queries are still kept from {self.tablet_type} tablets of {vt.address}."
            )
        return Verification(
            ok=True, says=f"The topology keeps nothing from {self.tablet_type} tablets of {vt.address}."
        )

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """SetShardTabletControl back to what is kept away now, and RefreshStateByShard."""
        vt = vitess(db)
        kept = self._kept(vt)
        if kept.disabled:
            # Vitess refuses to disable the query service while tables are denied.
            yield self._control(vt, kept.disabled, disable_query_service=True)
        if kept.tables:
            yield self._control(vt, kept.cells, denied_tables=list(kept.tables))
        yield call("RefreshStateByShard", keyspace=vt.keyspace, shard=vt.shard)

    def _control(self, vt: Vitess, cells: Sequence[str], **what: Any) -> Statement:  # noqa: ANN401 - JSON
        # A control of the primary holds in all cells, and Vitess refuses one that names some.
        where = {"cells": sorted(cells)} if cells and self.tablet_type != "PRIMARY" else {}
        return call(
            "SetShardTabletControl",
            keyspace=vt.keyspace,
            shard=vt.shard,
            tablet_type=self.tablet_type,
            **where,
            **what,
        )

    def _kept(self, vt: Vitess) -> _Kept:
        record = shard_record(vt)
        control: Mapping[str, Any] = next(
            (each for each in record.get("tablet_controls", ()) if each.get("tablet_type") == self.tablet_type), {}
        )
        serving = vt.rpc("GetSrvKeyspaces", keyspace=vt.keyspace).get("srv_keyspaces") or {}
        return _Kept(
            tables=denied_tables(record, self.tablet_type),
            cells=tuple(control.get("cells", ())),
            frozen=bool(control.get("frozen")),
            disabled=tuple(sorted(cell for cell, each in serving.items() if self._disabled(each, vt.shard))),
        )

    def _disabled(self, serving: Mapping[str, Any], shard: str) -> bool:
        return any(
            control.get("name") == shard and control.get("query_service_disabled")
            for partition in serving.get("partitions", ())
            if partition.get("served_type") == self.tablet_type
            for control in partition.get("shard_tablet_controls", ())
        )
