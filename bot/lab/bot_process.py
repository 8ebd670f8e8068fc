"""Runs the bot in a process of its own, for the demo, the benchmarks and the tests."""

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
"""Seconds; long enough for a busy machine."""
STOP_WITHIN = 15.0


def start_bot(config: Path, *, log: Path) -> subprocess.Popen[bytes]:
    """Starts `firstmate serve`, with its output in `log`, and returns the process when the bot is ready.

    Raises Unreachable with the last line of its output when the bot ends or is not ready in time; it is stopped then.
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
    """Runs `firstmate serve` for the length of a with block, with its output in `log`.

    Raises Unreachable with the last line of its output when the bot ends or is not ready in time.
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
    """Waits until the bot of the configuration is ready; `ended` returns its exit code, None while it runs.

    Raises Unreachable with the last line of its output when the bot ends or is not ready in time.
    """
    intake = load(config).intake
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if (code := ended()) is not None:
            lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise Unreachable(f"The bot exited with code {code}: {lines[-1] if lines else 'no output'}")
        try:
            with urllib.request.urlopen(f"http://{intake.host}:{intake.port}/readyz", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.05)
    raise Unreachable(f"The bot was not ready within {READY_WITHIN:g} s; its log is {log}.")
