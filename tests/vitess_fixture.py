"""The Vitess lab for tests: a real cluster, brought up once for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.errors import FirstmateError
from bot.lab import processes
from bot.lab.lab_state import LabState
from bot.lab.lab_status import lab_status
from bot.lab.lab_up_and_down import bring_up, tear_down
from bot.lab.progress import NoProgress
from bot.lab.vitess.vitess_programs import find_vitess


@pytest.fixture(scope="session")
def vitess_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabState]:
    """A Vitess lab of this session's own; that nothing of it is left when it is down is held here, at its only end."""
    folder: Path = tmp_path_factory.mktemp("vitess") / ".lab"
    try:
        find_vitess(NoProgress())
    except FirstmateError as error:
        pytest.skip(f"the programs of Vitess cannot be had here: {error}")
    try:
        lab = bring_up(folder, vitess=True)
        yield lab
    finally:
        tear_down(folder)
    assert processes.pids_of_lab(lab.marker) == []
    assert lab_status(folder).condition == "down"
    assert not (folder / "data").exists()
