"""The lab for tests: real servers, brought up once for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.lab.fault.break_and_mend import mend_all
from bot.lab.lab import bring_up, tear_down
from bot.lab.state import LabState


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabState]:
    """A lab of this session's own."""
    folder: Path = tmp_path_factory.mktemp("lab") / ".lab"
    try:
        yield bring_up(folder)
    finally:
        tear_down(folder)


@pytest.fixture
def sound_lab(lab: LabState) -> Iterator[LabState]:
    """The lab for a test that breaks something: whatever it broke is mended after it."""
    yield lab
    mend_all(lab.folder)
