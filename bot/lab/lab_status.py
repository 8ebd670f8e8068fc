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
    dead = tuple(
        f"{process.name} is not running"
        for process in processes.recorded(folder)
        if not process.name.startswith("fault-") and not processes.is_running(process, marker)
    )
    return LabStatus("half", dead, state) if dead else LabStatus("up", (), state)
