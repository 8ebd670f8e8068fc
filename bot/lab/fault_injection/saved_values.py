"""Values that a fault saves until it is fixed, in a file of the lab."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from bot.lab.fault_injection.fault_file import Fault
from bot.lab.lab_state import LabState


def saved_values_path(state: LabState, fault: Fault) -> Path:
    """Returns the path of a fault's saved values."""
    return state.folder / "run" / f"fault-{fault.name}.memory"


def saved_values(state: LabState, fault: Fault) -> dict[str, str]:
    """Returns the saved values of a fault by name."""
    path = saved_values_path(state, fault)
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def save_values(state: LabState, fault: Fault, values: Mapping[str, str]) -> None:
    """Saves further values."""
    kept = {**saved_values(state, fault), **values}
    saved_values_path(state, fault).write_text(json.dumps(kept), encoding="utf-8")
