"""The bot as a process of its own, as a demo or a test runs it against the lab."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

from bot.config import load
from bot.errors import Unreachable

READY_WITHIN = 30.0
STOP_WITHIN = 15.0
SERVE = ("-m", "bot", "serve", "--config")


@dataclass(frozen=True, slots=True)
class RunningBot:
    """A bot that is ready."""

    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """Kills it, also when it is stopped, and waits for its end."""
        self.process.kill()
        self.process.wait()


def start_bot(config: Path, *, log: Path, command: Sequence[str] = SERVE) -> RunningBot:
    """Starts `firstmate serve` and returns it when it is ready; what it says is in `log`.

    Raises Unreachable with the bot's last words when it ends before.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, *command, str(config)], stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    _await_ready(config, process, log)
    return RunningBot(process)


@contextmanager
def running_bot(
    config: Path, *, log: Path, command: Sequence[str] = SERVE, stop_within: float = STOP_WITHIN
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs `firstmate serve`, yields it when it is ready, and stops it; what it says is in `log`.

    It is killed when it has not stopped after `stop_within` seconds.

    Raises Unreachable with the bot's last words when it ends before.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, *command, str(config)], stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        _await_ready(config, process, log)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(stop_within)
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
