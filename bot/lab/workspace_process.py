"""Starts the local Slack workspace in a process of its own."""

from __future__ import annotations

import sys

from bot.lab import processes
from bot.lab.lab_state import LabState
from bot.lab.slack_workspace.app_manifest import Manifest


def start_workspace(state: LabState, ports: dict[str, int]) -> None:
    """Starts the local Slack workspace with the shipped app manifest."""
    tokens = state.folder / "secrets" / "workspace.json"
    argv = [sys.executable, "-m", "bot.lab.slack_workspace", "--port", str(ports["workspace"]), "--tokens", str(tokens)]
    argv += ["--manifest", str(Manifest.shipped())]
    processes.start(state.folder, state.marker, "workspace", argv)
