"""The bot as a process of its own, as a demo or a test runs it against the lab."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

from bot.config import load
from bot.errors import Unreachable

READY_WITHIN = 60.0
"""Seconds: a busy machine is not a broken bot."""
STOP_WITHIN = 15.0


def start_bot(config: Path, *, log: Path) -> subprocess.Popen[bytes]:
    """Starts `firstmate serve` and returns it when it is ready; what it says is in `log`.

    Raises Unreachable with the bot's last words when it ends before, or is not ready in time; then nothing is left.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "serve", "--config", str(config)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        await_ready(config, process.poll, log)
    except BaseException:
        _stop(process)
        raise
    return process


@contextmanager
def running_bot(config: Path, *, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Runs `firstmate serve`, yields it when it is ready, and stops it; what it says is in `log`.

    Raises Unreachable with the bot's last words when it ends before.
    """
    process = start_bot(config, log=log)
    try:
        yield process
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def await_ready(config: Path, ended: Callable[[], int | None], log: Path) -> None:
    """Returns when the bot of the configuration is ready; `ended` gives its exit code, None while it runs.

    Raises Unreachable with the bot's last words when it ends before, or is not ready in time.
    """
    intake = load(config).intake
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if (code := ended()) is not None:
            said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise Unreachable(f"The bot ended with {code}: {said[-1] if said else 'it said nothing'}")
        try:
            with urllib.request.urlopen(f"http://{intake.host}:{intake.port}/readyz", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.05)
    raise Unreachable(f"The bot is not ready after {READY_WITHIN:g} s; its log is {log}.")
