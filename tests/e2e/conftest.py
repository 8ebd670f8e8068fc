"""A bot beside the lab, whose replica is broken anew for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.lab.bot_process import running_bot
from bot.lab.fault.breaking import break_, mend_all
from bot.lab.state import LabState
from bot.lab.workspace.client import WorkspaceClient
from tests.e2e.play import Play, general_log, variant


@pytest.fixture(scope="module")
def play(lab: LabState, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """A bot that runs for all tests of a module."""
    name = tmp_path_factory.mktemp("bot").name
    play = Play(lab, variant(lab, name))
    log: Path = lab.folder / "logs" / f"{name}.log"
    with general_log(lab), running_bot(play.path, log=log):
        yield play


@pytest.fixture
def stopped(lab: LabState) -> Iterator[None]:
    """The applier of orders-3 has given up on a lock wait."""
    WorkspaceClient(lab.urls.workspace).forget_limits()
    break_(lab.folder, "replication_stopped")
    yield
    mend_all(lab.folder)
