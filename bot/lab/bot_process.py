"""The bot as a process of its own, as a demo or a test runs it against the lab."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

from bot.config import load
from bot.errors import Unreachable

READY_WITHIN = 30.0
STOP_WITHIN = 15.0
SERVE = ("-m", "bot", "serve", "--config")


def start_bot(config: Path, *, log: Path, command: Sequence[str] = SERVE) -> subprocess.Popen[bytes]:
    """Starts `firstmate serve` and returns it when it is ready; what it says is in `log`.

    Raises Unreachable with the bot's last words when it ends before, or is not ready in time; then nothing is left.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, *command, str(config)], stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        _await_ready(config, process, log)
    except BaseException:
        _stop(process, STOP_WITHIN)
        raise
    return process


@contextmanager
def running_bot(
    config: Path, *, log: Path, command: Sequence[str] = SERVE, stop_within: float = STOP_WITHIN
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs `firstmate serve`, yields it when it is ready, and stops it; what it says is in `log`.

    It is killed when it has not stopped after `stop_within` seconds.

    Raises Unreachable with the bot's last words when it ends before.
    """
    process = start_bot(config, log=log, command=command)
    try:
        yield process
    finally:
        _stop(process, stop_within)


def _stop(process: subprocess.Popen[bytes], within: float) -> None:
    process.terminate()
    try:
        process.wait(within)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _await_ready(config: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    intake = load(config).intake
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise Unreachable(f"The bot ended with {process.returncode}: {said[-1] if said else 'it said nothing'}")
        try:
            with urllib.request.urlopen(f"http://{intake.host}:{intake.port}/readyz", timeout=1):
                return
        except (URLError, OSError):
            time.sleep(0.05)
    raise Unreachable(f"The bot is not ready after {READY_WITHIN:g} s; its log is {log}.")
