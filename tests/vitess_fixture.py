"""The Vitess lab for tests: a real cluster, brought up once for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.lab.lab import bring_up, tear_down
from bot.lab.state import LabState


@pytest.fixture(scope="session")
def vitess_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabState]:
    """A Vitess lab of this session's own."""
    folder: Path = tmp_path_factory.mktemp("vitess") / ".lab"
    try:
        yield bring_up(folder, vitess=True)
    finally:
        tear_down(folder)
