"""Bots for tests, each a process of its own that is forked off one which has loaded the program already.

To load it takes a bot some seconds of a processor, and the tests start a hundred bots. That `firstmate serve` starts
and stops as a person has it is seen in test_demo.py.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from bot.cli.main import main
from bot.lab.bot_process import STOP_WITHIN, await_ready
from tests.e2e.crashing_bot import serve_until

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["bot.cli.serve", "tests.e2e.loaded"])


@dataclass(frozen=True)
class Bot:
    """A bot that was started."""

    process: ForkServerProcess

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def poll(self) -> int | None:
        """The code with which it ended, that of a signal below 0; None while it runs."""
        return self.process.exitcode

    def wait(self, seconds: float | None = None) -> int:
        """The code with which it ends; a bot that runs on is a failure."""
        self.process.join(seconds)
        code = self.poll()
        assert code is not None, f"the bot runs on after {seconds} s"
        return code

    def kill(self) -> None:
        self.process.kill()

    def stop(self, within: float = STOP_WITHIN) -> None:
        """Asks it to stop, and kills it when it has not after so many seconds."""
        self.process.terminate()
        self.process.join(within)
        if self.poll() is None:
            self.kill()
        self.wait()


def start_bot(config: Path, *, log: Path, point: str = "") -> Bot:
    """Starts a bot and returns it when it is ready; with a point it dies, or stops itself, there.

    Raises Unreachable with its last words when it ends before, or is not ready in time; then nothing is left.
    """
    process = FORKS.Process(target=_serve, args=(Path.cwd(), config, log, point), daemon=True)
    process.start()
    bot = Bot(process)
    try:
        await_ready(config, bot.poll, log)
    except BaseException:
        bot.stop()
        raise
    return bot


@contextmanager
def running_bot(config: Path, *, log: Path, point: str = "", stop_within: float = STOP_WITHIN) -> Iterator[Bot]:
    """Runs a bot, and stops it; what it says is in `log`."""
    bot = start_bot(config, log=log, point=point)
    try:
        yield bot
    finally:
        bot.stop(stop_within)


def _serve(folder: Path, config: Path, log: Path, point: str) -> None:
    os.chdir(folder)
    with log.open("ab") as output:
        for stream in (1, 2):
            os.dup2(output.fileno(), stream)
    if point:
        serve_until(point, config)
    else:
        sys.argv = ["firstmate", "serve", "--config", str(config)]
        main()
