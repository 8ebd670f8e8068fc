"""The lab for tests: real servers, brought up once for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.lab.fault_injection.inject import fix_all_faults
from bot.lab.lab_state import LabState
from bot.lab.lifecycle import bring_up, tear_down


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
    fix_all_faults(lab.folder)
