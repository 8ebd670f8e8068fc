"""A bot beside the lab, whose replica is broken for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.lab.fault_injection.inject import fix_all_faults, inject_fault
from bot.lab.lab_state import LabState
from bot.lab.slack_workspace.client import WorkspaceClient
from tests.e2e.bots import running_bot
from tests.e2e.lab_bot import Play, general_log, variant


@pytest.fixture(scope="module")
def play(lab: LabState, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """A bot that runs for all tests of a module."""
    name = tmp_path_factory.mktemp("bot").name
    play = Play(lab, variant(lab, name))
    log: Path = lab.folder / "logs" / f"{name}.log"
    with general_log(lab), running_bot(play.path, log=log):
        yield play


@pytest.fixture(scope="module")
def mended_afterwards(lab: LabState) -> Iterator[None]:
    """What the tests of a module broke is mended after the last of them."""
    yield
    fix_all_faults(lab.folder)


@pytest.fixture
def stopped(lab: LabState, mended_afterwards: None) -> None:
    """The applier of orders-3 has given up on a lock wait: for this test, or for one before that left it so."""
    WorkspaceClient(lab.urls.workspace).forget_limits()
    inject_fault(lab.folder, "replication_stopped")
