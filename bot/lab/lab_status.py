"""Determines whether a lab is up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bot.lab import processes
from bot.lab.lab_state import LabState, marker_of, read
from bot.lab.vitess.tablet_mysql import record_restarted_servers
from bot.lab_location import READY


@dataclass(frozen=True)
class LabStatus:
    """The condition of a lab: `down`, `up`, or `half` with what is missing."""

    condition: Literal["down", "up", "half"]
    missing: tuple[str, ...] = ()
    state: LabState | None = None
    faults: tuple[str, ...] = ()
    """The faults in place."""


def lab_status(folder: Path) -> LabStatus:
    """Returns the condition of the lab in the folder."""
    folder = folder.resolve()
    marker = marker_of(folder)
    if marker is None:
        return LabStatus("down")
    state = read(folder)
    if state is None or not (folder / READY).exists():
        return LabStatus("half", ("its start did not complete",), state)
    record_restarted_servers(state)
    recorded = processes.recorded(folder)
    dead = tuple(
        f"{process.name} is not running"
        for process in recorded
        if not process.name.startswith("fault-") and not processes.is_running(process, marker)
    )
    faults = tuple(each.name.removeprefix("fault-") for each in recorded if each.name.startswith("fault-"))
    return LabStatus("half" if dead else "up", dead, state, faults)
