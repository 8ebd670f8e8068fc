"""`firstmate demo --once`: the whole way, with the real Alertmanager and no person, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bot.lab.lab_up_and_down import tear_down
from bot.lab.processes import MARKER

STORY = [
    "fault",
    "firing",
    "webhook",
    "card",
    "cause",
    "approval",
    "approved",
    "change",
    "resolved",
    "verified",
    "end",
]
"""The alert may resolve while the change is still being verified."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where the demo has its lab; a demo that had to be killed has left it up."""
    yield tmp_path
    for lab in tmp_path.glob("firstmate-demo-*"):
        tear_down(lab)


@pytest.mark.lab
def test_the_demo_tells_its_story_and_leaves_nothing_behind(folder: Path):
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "demo", "--once", "--json"],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as demo:
        try:
            out, err = demo.communicate(timeout=540)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(demo.pid, signal.SIGKILL)  # its bot, too, where the demo did not end
    events = [json.loads(line) for line in out.splitlines()]
    told = {event["event"]: event for event in events}
    assert [*told][:8] + sorted([*told][8:-1]) + [*told][-1:] == STORY, err
    assert "1205" in told["cause"]["says"]
    assert told["approval"]["statements"] == ["START REPLICA SQL_THREAD"]
    assert told["end"]["mended"] is True
    times = [event["t"] for event in events]
    assert times == sorted(times)
    assert demo.returncode == 0
    assert left_behind(folder) == []


def left_behind(folder: Path) -> list[str]:
    """The processes that carry the marker of a lab below the folder."""
    wanted = f"{MARKER}={folder}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if any(part.startswith(wanted) for part in environment.split(b"\0")):
                found.append(entry.name)
    return found
