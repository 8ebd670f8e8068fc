"""Says whether a lab is up, and where its configuration is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bot.lab import processes
from bot.lab.state import LabState, marker_of, read
from bot.lab.vitess.mysqlds import adopt
from bot.lab_location import READY


@dataclass(frozen=True)
class Status:
    """How a lab is: `down`, `up`, or `half` with what is missing."""

    condition: Literal["down", "up", "half"]
    missing: tuple[str, ...] = ()
    state: LabState | None = None


def status(folder: Path) -> Status:
    """Says whether a lab is up in the folder."""
    folder = folder.resolve()
    marker = marker_of(folder)
    if marker is None:
        return Status("down")
    state = read(folder)
    if state is None or not (folder / READY).exists():
        return Status("half", ("it was never finished",), state)
    adopt(state)
    dead = tuple(
        f"{process.name} does not run"
        for process in processes.recorded(folder)
        if not process.name.startswith("fault-") and not processes.alive(process, marker)
    )
    return Status("half", dead, state) if dead else Status("up", (), state)
