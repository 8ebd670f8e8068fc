"""Measures a sweep over many hosts, compared with a bare loop over PyMySQL, and the cost of hosts that are down.

The simulated servers run in processes of their own, on the same processors as the sweep. The bare loop is the minimum
with PyMySQL: as many threads, no TLS, no limit on results, no checks, and the results are discarded. Both send the same
statements.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict, dataclass

import pymysql

from bot.config import Config, DatabaseUser, Instance, Intake, Role, Secret, Shard
from bot.engine.instance_selector import select
from bot.engine.sweep.comparison import Summary, summarised
from bot.engine.sweep.run_sweep import WORKERS, Sweeps
from bot.errors import FirstmateError
from bot.fleet.configured_fleet import ConfiguredFleet
from bot.fleet.mysql_sessions import parse_version
from bot.fleet.session_settings import reader_settings
from bot.lab.progress import NoProgress, ProgressBar, Reporter
from bot.lab.simulated_servers import PASSWORD

HOSTS, REPETITIONS = 2000, 5
DIAGNOSTIC, STATEMENT = "mysql.replica_status", "SHOW REPLICA STATUS"
WRONG = 20
"""Number of hosts of each kind of failure, in the sweep with dead hosts."""
MOST_RATIO, MOST_SECONDS = 1.5, 5.0
"""Goals for the ratio and the seconds, printed with the figures."""
LIKE_HOSTS = 50
"""Number of hosts per shard."""
PASSWORD_IN = "FIRSTMATE_BENCH_PASSWORD"  # noqa: S105 - the name of an environment variable
USER = "firstmate_reader"
FILES = 8192


@dataclass(frozen=True, slots=True)
class RoundTime:
    """The duration of one round."""

    wall: float
    """Seconds."""
    cpu: float
    """CPU seconds of this process only."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The durations of all rounds."""

    bare: tuple[RoundTime, ...]
    sweep: tuple[RoundTime, ...]
    with_dead: tuple[RoundTime, ...]
    """The sweep that starts with hosts which refuse connections or never answer."""

    @property
    def ratios(self) -> list[float]:
        return [ours.wall / theirs.wall for ours, theirs in zip(self.sweep, self.bare, strict=True)]


@contextmanager
def stopwatch() -> Iterator[Callable[[], RoundTime]]:
    """Yields a function that returns the time since the block began."""
    wall, cpu = time.monotonic(), time.process_time()
    yield lambda: RoundTime(time.monotonic() - wall, time.process_time() - cpu)


@contextmanager
def simulated_servers(count: int) -> Iterator[list[int]]:
    """Runs `count` servers, in as many processes as there are processors, and yields their ports."""
    processes = os.cpu_count() or 1
    shares = [count // processes + (number < count % processes) for number in range(processes)]
    with ExitStack() as running:
        started = [running.enter_context(_server_process(share)) for share in shares if share]
        yield [port for process in started for port in json.loads(process.stdout.readline() if process.stdout else "")]


@contextmanager
def _server_process(count: int) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-m", "bot.lab.simulated_servers", str(count)]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        # It exits when its standard input is closed, also when this process dies.
        process.communicate()


@contextmanager
def dead_ports(refusing: int, silent: int) -> Iterator[list[int]]:
    """Yields ports that refuse connections, and ports that accept them and never answer."""
    with ExitStack() as held:
        ports = []
        for number in range(refusing + silent):
            listener = held.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            if number >= refusing:
                listener.listen(16)
            ports.append(int(listener.getsockname()[1]))
        yield ports


def config_of(ports: Sequence[int]) -> Config:
    """Returns a configuration with one replica per port."""
    reader = DatabaseUser(user=USER, password=Secret(env=PASSWORD_IN))
    shards = []
    for begin in range(0, len(ports), LIKE_HOSTS):
        name = f"shard{begin // LIKE_HOSTS:03}"
        instances = tuple(
            Instance(name=f"{name}-{number}", host="127.0.0.1", port=port, role=Role.REPLICA)
            for number, port in enumerate(ports[begin : begin + LIKE_HOSTS])
        )
        shards.append(Shard(name=name, flavour="mysql", reader=reader, instances=instances))
    return Config(intake=Intake(token=Secret(env=PASSWORD_IN)), shards=tuple(shards))


def bare_loop(ports: Sequence[int]) -> RoundTime:
    """Runs the bare loop; raises FirstmateError unless every host answered."""
    with stopwatch() as took:
        with ThreadPoolExecutor(WORKERS) as pool:
            answered = sum(pool.map(_ask, ports))
        if answered != len(ports):
            raise FirstmateError(f"The bare loop got {answered} answers from {len(ports)} hosts.")
        return took()


def _ask(port: int) -> int:
    connection = pymysql.connect(
        host="127.0.0.1", port=port, user=USER, password=PASSWORD, autocommit=True, ssl_disabled=True
    )
    cursor = connection.cursor()
    cursor.execute(reader_settings(parse_version(str(connection.get_server_info())), 2.0))  # type: ignore[no-untyped-call]
    cursor.execute(STATEMENT)
    answered = len(cursor.fetchall())
    connection.close()
    return answered


def timed_sweep(ports: Sequence[int]) -> tuple[RoundTime, Summary]:
    """Runs Firstmate's sweep, from the selector to the summary."""
    fleet = ConfiguredFleet(config_of(ports))
    with stopwatch() as took:
        targets = select("role=replica", fleet.targets())
        found = summarised(Sweeps(fleet).sweep(DIAGNOSTIC, targets).answers)
        return took(), found


def measure(hosts: int, repetitions: int, progress: Reporter) -> Figures:
    """Runs all variants in turn in each round; raises FirstmateError when a sweep's result is wrong."""
    rounds = []
    progress.step(f"Starting {hosts} simulated servers")
    with simulated_servers(hosts) as ports, dead_ports(WRONG, WRONG) as dead:
        for number in range(repetitions + 1):
            progress.step("Sweeping", number / (repetitions + 1))
            loop = bare_loop(ports)
            plain, found = timed_sweep(ports)
            with_dead, also = timed_sweep([*dead, *ports])
            silent = sum(len(each.hosts) for each in also.silent)
            if not found.alike or silent != len(dead) or also.strange:
                raise FirstmateError(f"The sweep returned a wrong result: {found.says} {also.says}")
            rounds.append((loop, plain, with_dead))
    theirs, ours, dead_too = zip(*rounds[1:], strict=True)  # the first round is a warm-up
    return Figures(theirs, ours, dead_too)


def _line(name: str, took: Sequence[RoundTime]) -> str:
    wall, cpu = [each.wall for each in took], statistics.median(each.cpu for each in took)
    middle, least, most = statistics.median(wall), min(wall), max(wall)
    return f"{name:<24} median {middle:5.2f} s   min {least:5.2f} s   max {most:5.2f} s   CPU {cpu:5.2f} s\n"


def _summary(hosts: int, found: Figures) -> str:
    ratio, median = statistics.median(found.ratios), statistics.median(each.wall for each in found.sweep)
    met = {True: "met", False: "not met"}
    return (
        f"{hosts} simulated servers, {WORKERS} threads, {len(found.sweep)} rounds, {os.cpu_count()} processors, "
        f"load {os.getloadavg()[0]:.1f}\n"
        + _line("bare loop over PyMySQL", found.bare)
        + _line("firstmate sweep", found.sweep)
        + _line(f"with {2 * WRONG} dead hosts", found.with_dead)
        + f"ratio {ratio:.2f} (goal: at most {MOST_RATIO:g}, {met[ratio <= MOST_RATIO]}); "
        f"{median:.2f} s (goal: under {MOST_SECONDS:g} s, {met[median < MOST_SECONDS]})\n"
        f"{WRONG} dead hosts refuse connections, {WRONG} never answer; each of these occupies a thread for about 3 s\n"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark; returns 0 when it completed, whatever the figures."""
    parser = argparse.ArgumentParser(prog="python -m bot.lab.benchmarks.sweep", description=__doc__)
    parser.add_argument(
        "--hosts", type=int, default=HOSTS, metavar="N", help=f"number of simulated servers (default: {HOSTS})"
    )
    parser.add_argument(
        "--repetitions", type=int, default=REPETITIONS, metavar="N", help=f"number of rounds (default: {REPETITIONS})"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args(arguments)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES if most == resource.RLIM_INFINITY else min(FILES, most), most))
    os.environ[PASSWORD_IN] = PASSWORD
    reporter = NoProgress() if given.json else ProgressBar()
    try:
        with reporter if isinstance(reporter, ProgressBar) else nullcontext():
            found = measure(given.hosts, given.repetitions, reporter)
    except FirstmateError as error:
        sys.stderr.write(f"bench: {error}\n")
        return int(error.exit_code)
    if given.json:
        sys.stdout.write(
            json.dumps(
                {
                    "hosts": given.hosts,
                    "bare": [asdict(each) for each in found.bare],
                    "sweep": [asdict(each) for each in found.sweep],
                    "ratio": statistics.median(found.ratios),
                    "with_dead": [asdict(each) for each in found.with_dead],
                }
            )
            + "\n"
        )
    else:
        sys.stdout.write(_summary(given.hosts, found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
