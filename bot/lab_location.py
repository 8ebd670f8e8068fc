"""Where a lab keeps its configuration, for commands that use the lab of the working directory when none is named."""

from __future__ import annotations

from pathlib import Path

FOLDER = ".lab"
CONFIG = "firstmate.yml"
READY = "run/ready"
"""Present from the end of `firstmate lab up` until `firstmate lab down`."""


def lab_config(directory: Path) -> Path | None:
    """Returns the configuration of the lab that was brought up in the directory; None without one."""
    folder = (directory / FOLDER).resolve()
    config = folder / CONFIG
    return config if (folder / READY).exists() and config.exists() else None
