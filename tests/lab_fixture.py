"""The lab for tests: real servers, brought up once for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.lab.fault_injection.inject import fix_all_faults
from bot.lab.lab_state import LabState
from bot.lab.lab_up_and_down import bring_up, tear_down

SCRAPE_SECONDS = 5
"""Each worker of the tests has a lab, whose servers the exporter would otherwise keep busy with a scrape a second."""
LAB = pytest.StashKey[Path]()
LAST = pytest.StashKey[int]()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[LabState]:
    """A lab of this session's own; it is torn down after the last test that needs it."""
    folder: Path = tmp_path_factory.mktemp("lab") / ".lab"
    pytestconfig.stash[LAB] = folder
    try:
        yield bring_up(folder, scrape_seconds=SCRAPE_SECONDS)
    finally:
        tear_down(folder)


@pytest.fixture
def sound_lab(lab: LabState) -> Iterator[LabState]:
    """The lab for a test that breaks something: whatever it broke is mended after it."""
    yield lab
    fix_all_faults(lab.folder)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Numbers the tests, so that one can tell when no further one needs the lab."""
    needing = [number for number, item in enumerate(session.items) if "lab" in getattr(item, "fixturenames", ())]
    session.config.stash[LAST] = max(needing, default=-1)
    for number, item in enumerate(session.items):
        item.stash[LAST] = number


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tears the lab down before the first test after the last that needs it, whoever ran that one."""
    stash = item.config.stash
    if LAB in stash and item.stash[LAST] > stash[LAST]:
        tear_down(stash[LAB])
        del stash[LAB]
