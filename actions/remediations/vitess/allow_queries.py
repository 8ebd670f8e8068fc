"""Lets tablets of a type take queries again after the topology was left denying them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Statement, Verification
from actions.vitess_contract import Vitess, call, vitess
from actions.vitess_prechecks import refuse_moving_workflows
from actions.vitess_records import denied_tables, shard_record


@dataclass(frozen=True, slots=True)
class _QueryControls:
    """What the topology denies to tablets of one type."""

    tables: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    """The cells in which the tables are denied; empty means all cells."""
    frozen: bool = False
    disabled: tuple[str, ...] = ()
    """The cells in which the query service is disabled."""


@dataclass(frozen=True)
class AllowQueries(Remediation):
    """Removes the denied tables of a tablet type, or enables its query service, and refreshes the tablets."""

    tablet_type: Literal["PRIMARY", "REPLICA", "RDONLY"] = "PRIMARY"
    """The type of tablet whose controls are removed."""

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
        """Refuses if nothing is denied, if the control is frozen, and while a workflow may have set it."""
        vt = vitess(db)
        controls = self._controls(vt)
        if not controls.tables and not controls.disabled:
            raise Refused(
                f"The topology has no denied tables and no disabled query service for {self.tablet_type} tablets of "
                f"{vt.address}; there is nothing to remove."
            )
        if controls.frozen:
            raise Refused(
                f"The tablet control of {self.tablet_type} in {vt.address} is frozen: a workflow has moved the data "
                "away, and the shard must not serve it again."
            )
        refuse_moving_workflows(vt, "such a workflow blocks queries while it switches traffic")

    def change(self, db: MySQL) -> Iterator[Statement]:
        """SetShardTabletControl for what is denied now, then RefreshStateByShard, without which tablets do not
        notice."""
        vt = vitess(db)
        controls = self._controls(vt)
        if controls.tables:
            yield self._control(vt, controls.cells, denied_tables=list(controls.tables), remove=True)
        if controls.disabled:
            yield self._control(vt, controls.disabled, disable_query_service=False)
        yield call("RefreshStateByShard", keyspace=vt.keyspace, shard=vt.shard)

    def cost(self, db: MySQL) -> str:
        """Which queries are served again, and how long clients may still wait."""
        vt = vitess(db)
        controls = self._controls(vt)
        what = f"queries of {', '.join(controls.tables[:10])}" if controls.tables else "queries"
        return (
            f"{self.tablet_type} tablets of {vt.address} serve {what} again. A vtgate that buffers requests for them "
            "may continue to do so for up to 20 s."
        )

    def verify(self, db: MySQL) -> Verification:
        """Succeeds while the topology denies nothing to them."""
        vt = vitess(db)
        controls = self._controls(vt)
        if controls.tables or controls.disabled:
            return Verification(
                ok=False,
                says=f"The topology still has denied tables or a disabled query service for {self.tablet_type} tablets "
                f"of {vt.address}.",
            )
        return Verification(
            ok=True,
            says=f"The topology has no denied tables and no disabled query service for {self.tablet_type} tablets of "
            f"{vt.address}.",
        )

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """SetShardTabletControl with what is denied now, then RefreshStateByShard."""
        vt = vitess(db)
        controls = self._controls(vt)
        if controls.disabled:
            # Vitess refuses to disable the query service while tables are denied.
            yield self._control(vt, controls.disabled, disable_query_service=True)
        if controls.tables:
            yield self._control(vt, controls.cells, denied_tables=list(controls.tables))
        yield call("RefreshStateByShard", keyspace=vt.keyspace, shard=vt.shard)

    def _control(self, vt: Vitess, cells: Sequence[str], **what: Any) -> Statement:  # noqa: ANN401 - JSON
        # A control of the primary applies to all cells; Vitess refuses one that names cells.
        where = {"cells": sorted(cells)} if cells and self.tablet_type != "PRIMARY" else {}
        return call(
            "SetShardTabletControl",
            keyspace=vt.keyspace,
            shard=vt.shard,
            tablet_type=self.tablet_type,
            **where,
            **what,
        )

    def _controls(self, vt: Vitess) -> _QueryControls:
        record = shard_record(vt)
        control: Mapping[str, Any] = next(
            (each for each in record.get("tablet_controls", ()) if each.get("tablet_type") == self.tablet_type), {}
        )
        serving = vt.rpc("GetSrvKeyspaces", keyspace=vt.keyspace).get("srv_keyspaces") or {}
        return _QueryControls(
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
