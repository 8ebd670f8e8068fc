"""vitess.topology_servers: vtctld told from what is behind it."""

from __future__ import annotations

from typing import Any

import pytest

from actions.contract import Unreadable
from actions.diagnostics.vitess.topology_servers import CellTopology, topology_servers
from tests.actions.diagnostics.vitess.recordings import healthy
from tests.recorded_vitess import RecordedVitess, series

FROZEN = Unreadable("vtctld at 127.0.0.1:15999 did not answer GetCellInfoNames within 2 s.")
AWAY = Unreadable("vtctld at 127.0.0.1:15999 does not answer; look whether it runs.")
NO_STORAGE = Unreadable("vtctld at 127.0.0.1:15999 refused GetBackups: no registered implementation of BackupStorage")


def errors(count: int, cell: str = "global") -> Any:
    return series(count, __name__="vtorc_topology_conn_errors", cell=cell, operation="List")


PAGES: dict[str, Any] = {
    "metrics vtorc": [(errors(4), errors(0, "zone2"))],
    "metrics vtgate": [(series(25.3, __name__="vtgate_topology_watcher_max_refresh_lag"),)],
}


class Growing(RecordedVitess):
    """A cluster whose VTOrc fails at the topology while vtctld is waited for."""

    def rpc(self, name: str, /, **request: Any) -> Any:
        """The same."""
        if name == "GetCellInfoNames":
            self.pages["metrics vtorc"] = [(errors(7),)]
        return super().rpc(name, **request)


def test_all_answer():
    found = topology_servers(healthy(pages=PAGES))
    assert (found.vtctld_answers, found.reachable, found.error, found.missing) == (True, True, "", ())
    assert found.cells == (CellTopology("zone1", True),)
    assert (found.vtctld_dead, found.topology_dead, found.cells_unreachable) == (False, False, ())
    assert (found.vtorc_errors, found.vtorc_errors_new, found.vtorc_errors_by_cell) == (4, None, ("global",))
    assert (found.vtgate_errors, found.refresh_lag) == (0, 25.3)


@pytest.mark.parametrize("backups", [{}, NO_STORAGE], ids=["an answer", "a refusal"])
def test_vtctld_answers_and_the_topology_behind_it_does_not(backups: Any):
    calls = {"GetCellInfoNames": FROZEN, "GetBackups": backups}
    found = topology_servers(healthy(reader=Growing, pages=PAGES, calls=calls))
    assert (found.vtctld_dead, found.topology_dead, found.reachable, found.cells) == (False, True, False, ())
    assert (found.vtorc_errors, found.vtorc_errors_new) == (7, 3)
    assert found.error == str(FROZEN)


@pytest.mark.parametrize("error", [AWAY, FROZEN], ids=["gone", "frozen"])
def test_vtctld_itself_does_not_answer(error: Unreadable):
    found = topology_servers(healthy(pages=PAGES, calls={"GetCellInfoNames": error, "GetBackups": error}))
    assert (found.vtctld_dead, found.topology_dead) == (True, False)


def test_a_cell_whose_own_topology_server_is_away():
    class OneAway(RecordedVitess):
        def rpc(self, name: str, /, **request: Any) -> Any:
            if name == "GetSrvKeyspaces" and request["cells"] == ["zone2"]:
                raise Unreadable("vtctld at 127.0.0.1:15999 did not answer GetSrvKeyspaces within 2 s.")
            return super().rpc(name, **request)

    found = topology_servers(
        healthy(reader=OneAway, pages=PAGES, calls={"GetCellInfoNames": {"names": ["zone1", "zone2"]}})
    )
    assert found.reachable
    assert [each.cell for each in found.cells_unreachable] == ["zone2"]


def test_no_more_than_twenty_cells_are_asked():
    names = [f"zone{number}" for number in range(25)]
    found = topology_servers(healthy(pages=PAGES, calls={"GetCellInfoNames": {"names": names}}))
    assert len(found.cells) == 20
    assert "has 25 cells" in found.missing[0]


def test_vtorcs_and_vtgates_that_are_away_are_missing():
    away = Unreadable("it does not answer (connection refused).")
    found = topology_servers(healthy(pages={"metrics vtorc": away, "metrics vtgate": away}))
    assert (found.vtorc_errors, found.vtgate_errors, found.refresh_lag, found.reachable) == (None, None, None, True)
    assert len(found.missing) == 2


@pytest.mark.vitess
def test_a_real_cluster(hands, replica):
    found = hands.ask(topology_servers)
    assert (found.vtctld_answers, found.reachable, found.missing) == (True, True, ())
    assert found.cells == (CellTopology("zone1", True),)
    assert found.refresh_lag is not None
    assert found.vtorc_errors is not None
