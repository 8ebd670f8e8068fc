"""Whether vtctld answers, and whether the topology servers behind it do."""

from __future__ import annotations

import re
from dataclasses import dataclass

from actions.contract import Cost, Count, Flavour, Seconds, Unreadable, diagnostic
from actions.scraped_metrics import value, values
from actions.statement_redaction import redact_error
from actions.vitess_contract import Component, Vitess

_SILENT = re.compile(r"\b(?:did|does) not answer\b")
CELLS = 20
"""Cells whose topology server is read."""
VTORC_ERRORS = "vtorc_topology_conn_errors"
VTGATE_ERRORS = "vtgate_topology_conn_errors"
REFRESH_LAG = "vtgate_topology_watcher_max_refresh_lag"


@dataclass(frozen=True, slots=True)
class CellTopology:
    """The topology server of one cell."""

    cell: str = ""
    reachable: bool = False
    error: str = ""
    """Why it could not be reached; '' if it could."""


@dataclass(frozen=True, slots=True)
class TopologyServers:
    """The global topology server and those of the cells, as vtctld, VTOrc and vtgate reach them."""

    vtctld_answers: bool = True
    """Whether vtctld answers a call that needs no topology."""
    reachable: bool = True
    """Whether the global topology server answers through vtctld."""
    error: str = ""
    """Why the topology could not be read; '' if it could."""
    cells: tuple[CellTopology, ...] = ()
    """The topology server of each cell; 20 at most."""
    vtorc_errors: Count | None = None
    """Failed topology calls of all VTOrcs since they started; empty if no VTOrc answered."""
    vtorc_errors_new: Count | None = None
    """How many of them occurred during this diagnostic; read only if the topology does not answer."""
    vtorc_errors_by_cell: tuple[str, ...] = ()
    """The cells that they concern; `global` is the global topology server."""
    vtgate_errors: Count | None = None
    """Failed topology calls of all vtgates since they started; empty if no vtgate answered."""
    refresh_lag: Seconds | None = None
    """Longest time for which a vtgate has not refreshed its tablets; up to a minute is normal."""
    missing: tuple[str, ...] = ()
    """What could not be read, one sentence each."""

    @property
    def vtctld_dead(self) -> bool:
        """Whether vtctld itself does not answer, so that nothing is known about the topology through it."""
        return not self.vtctld_answers

    @property
    def topology_dead(self) -> bool:
        """Whether vtctld answers and the global topology server behind it does not."""
        return self.vtctld_answers and not self.reachable

    @property
    def cells_unreachable(self) -> tuple[CellTopology, ...]:
        """Cells whose topology server does not answer."""
        return tuple(each for each in self.cells if not each.reachable)


@diagnostic(
    cost=Cost.LOW,
    needs={
        Flavour.VITESS: (
            "GetBackups",
            "GetCellInfoNames",
            "GetSrvKeyspaces",
            "vtorc /metrics",
            "vtgate /metrics",
        ),
        Flavour.MYSQL: (),
    },
)
def topology_servers(vt: Vitess) -> TopologyServers:
    """Reads the cells from vtctld, the routing from each cell's topology, and the error counters of VTOrc and vtgate.

    While the global topology server is down, vtctld accepts calls but answers none that need it, VTOrc reports that it
    is healthy but repairs nothing, and queries continue. GetBackups needs no topology, so it shows whether vtctld is
    running.
    """
    missing: list[str] = []
    before, by_cell = _vtorc_errors(vt, missing)
    vtgate_errors, refresh_lag = _of_vtgates(vt, missing)
    error = ""
    cells: tuple[CellTopology, ...] = ()
    try:
        names = [str(each) for each in vt.rpc("GetCellInfoNames").get("names", ())]
        answers = True
        cells = _cells(vt, names, missing)
    except Unreadable as refused:
        error = redact_error(str(refused))[:300]
        answers = _vtctld_answers(vt)
    after = _vtorc_errors(vt, [])[0] if error else None
    return TopologyServers(
        vtctld_answers=answers,
        reachable=not error,
        error=error,
        cells=cells,
        vtorc_errors=before if after is None else after,
        vtorc_errors_new=None if after is None or before is None else after - before,
        vtorc_errors_by_cell=by_cell,
        vtgate_errors=vtgate_errors,
        refresh_lag=refresh_lag,
        missing=tuple(missing),
    )


def _cells(vt: Vitess, names: list[str], missing: list[str]) -> tuple[CellTopology, ...]:
    if len(names) > CELLS:
        missing.append(f"The cluster has {len(names)} cells; only the topology servers of the first {CELLS} were read.")
    asked = names[:CELLS]
    answers = vt.rpcs("GetSrvKeyspaces", [{"keyspace": vt.keyspace, "cells": [name]} for name in asked])
    return tuple(
        CellTopology(name, answer.ok, redact_error(answer.error)[:300])
        for name, answer in zip(asked, answers, strict=True)
    )


def _vtctld_answers(vt: Vitess) -> bool:
    """Whether vtctld answers a call that needs no topology; a refusal of its own is an answer."""
    (answer,) = vt.rpcs("GetBackups", [{"keyspace": vt.keyspace, "shard": vt.shard, "limit": 1}])
    return answer.ok or not _SILENT.search(answer.error)


def _vtorc_errors(vt: Vitess, missing: list[str]) -> tuple[int | None, tuple[str, ...]]:
    total, cells = None, set()
    for answer in vt.metrics(Component.VTORC, VTORC_ERRORS):
        if not answer.ok:
            missing.append(f"The counters of VTOrc at {answer.who} could not be read: {answer.error}")
            continue
        counted = values(answer.body, VTORC_ERRORS, by="cell")
        total = (total or 0) + int(sum(counted.values()))
        cells |= {cell for cell, count in counted.items() if count}
    return total, tuple(sorted(cells))[:CELLS]


def _of_vtgates(vt: Vitess, missing: list[str]) -> tuple[int | None, float | None]:
    errors, lags = None, []
    for answer in vt.metrics(Component.VTGATE, VTGATE_ERRORS, REFRESH_LAG):
        if not answer.ok:
            missing.append(f"The counters of vtgate at {answer.who} could not be read: {answer.error}")
            continue
        errors = (errors or 0) + int(value(answer.body, VTGATE_ERRORS) or 0)
        lag = value(answer.body, REFRESH_LAG)
        lags += [] if lag is None else [lag]
    return errors, max(lags, default=None)
