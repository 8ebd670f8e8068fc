"""Faults that diagnostics look at; each is mended after its test."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.lab.faults import break_
from bot.lab.state import LabInstance, LabState


@pytest.fixture
def broken(sound_lab: LabState) -> Callable[[str, str], LabInstance]:
    """Breaks the server of a flavour in a way that the lab knows, and returns it."""

    def break_it(fault: str, flavour: str) -> LabInstance:
        made = break_(sound_lab.folder, fault if flavour == "mysql" else f"{fault}_mariadb")
        return sound_lab.instance(made.instance)

    return break_it
