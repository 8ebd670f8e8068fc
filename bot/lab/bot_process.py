"""The bot as a process of its own, as a demo or a test runs it against the lab."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

from bot.errors import Unreachable
from bot.lab.state import LabState

READY_WITHIN = 30.0
STOP_WITHIN = 15.0


@contextmanager
def running_bot(state: LabState, *, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Runs `firstmate serve` for a lab, yields it when it is ready, and stops it; what it says is in `log`."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "serve", "--config", str(state.config)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        _await_ready(state, process, log)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_ready(state: LabState, process: subprocess.Popen[bytes], log: Path) -> None:
    url = state.urls.webhook.removesuffix("/alerts/alertmanager") + "/readyz"
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise Unreachable(f"The bot ended with {process.returncode}: {said[-1] if said else 'it said nothing'}")
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310 - our own address
                return
        except (URLError, OSError):
            time.sleep(0.05)
    raise Unreachable(f"The bot is not ready after {READY_WITHIN:g} s; its log is {log}.")
