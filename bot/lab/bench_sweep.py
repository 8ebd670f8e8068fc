"""How long a sweep over many hosts takes, beside a bare loop that asks the same; and what dead ones cost.

The servers are simulated, in processes of their own, and use the same processors as the sweep. The bare loop is the
least that PyMySQL can do: a pool with as many threads, no TLS, no bound on an answer, nothing checked, and what
comes is thrown away. Both send the same statements.
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
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass

import pymysql

from bot.config import Config, DatabaseUser, Instance, Intake, Role, Secret, Shard
from bot.engine.alike import Summary, summarised
from bot.engine.selection import select
from bot.engine.sweep import WORKERS, Sweeps
from bot.errors import FirstmateError
from bot.fleet.fleet import ConfiguredFleet
from bot.fleet.mysql import parse_version, read_only
from bot.lab.progress import Bar, Reporter, Silent
from bot.lab.simulated import PASSWORD

HOSTS, REPETITIONS = 2000, 5
DIAGNOSTIC, STATEMENT = "mysql.replica_status", "SHOW REPLICA STATUS"
WRONG = 20
"""Hosts of each kind that does not answer, in the run with such."""
MOST_RATIO, MOST_SECONDS = 1.5, 5.0
"""What is aimed at; printed beside the figures, never judged."""
LIKE_HOSTS = 50
"""Hosts of one shard."""
PASSWORD_IN = "FIRSTMATE_BENCH_PASSWORD"  # noqa: S105 - the name of a variable
USER = "firstmate_reader"
FILES = 8192


@dataclass(frozen=True, slots=True)
class Figures:
    """Seconds of each repetition."""

    bare: tuple[float, ...]
    sweep: tuple[float, ...]
    with_dead: float
    """The sweep with the hosts that refuse and those that say nothing."""
    silent: int
    """How many of them it told."""

    @property
    def ratios(self) -> list[float]:
        return [ours / theirs for ours, theirs in zip(self.sweep, self.bare, strict=True)]


@contextmanager
def simulated(count: int) -> Iterator[list[int]]:
    """The ports of so many servers, in as many processes as there are processors."""
    processes = os.cpu_count() or 1
    shares = [count // processes + (number < count % processes) for number in range(processes)]
    with ExitStack() as running:
        started = [running.enter_context(_started(share)) for share in shares if share]
        yield [port for process in started for port in json.loads(process.stdout.readline() if process.stdout else "")]


@contextmanager
def _started(count: int) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-m", "bot.lab.simulated", str(count)]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        # It ends when its standard input does, so it does not outlive this process either.
        process.communicate()


@contextmanager
def unanswered(refusing: int, silent: int) -> Iterator[list[int]]:
    """Ports at which nobody listens, and ports that take a connection and never say a word."""
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
    """A configuration with an instance at each port, all of them replicas."""
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


def bare(ports: Sequence[int]) -> float:
    """Seconds of the bare loop."""
    begun = time.monotonic()
    with ThreadPoolExecutor(WORKERS) as pool:
        answered = sum(pool.map(_ask, ports))
    if answered != len(ports):
        raise FirstmateError(f"The bare loop got {answered} answers of {len(ports)}.")
    return time.monotonic() - begun


def _ask(port: int) -> int:
    connection = pymysql.connect(
        host="127.0.0.1", port=port, user=USER, password=PASSWORD, autocommit=True, ssl_disabled=True
    )
    cursor = connection.cursor()
    cursor.execute(read_only(parse_version(str(connection.get_server_info())), 2.0))  # type: ignore[no-untyped-call]
    cursor.execute(STATEMENT)
    answered = len(cursor.fetchall())
    connection.close()
    return answered


def swept(ports: Sequence[int]) -> tuple[float, Summary]:
    """Seconds of Firstmate's sweep, from the selector to the summary."""
    fleet = ConfiguredFleet(config_of(ports))
    begun = time.monotonic()
    found = summarised(Sweeps(fleet).sweep(DIAGNOSTIC, select("role=replica", fleet.targets())).looks)
    return time.monotonic() - begun, found


def measure(hosts: int, repetitions: int, progress: Reporter) -> Figures:
    """Both in turn, so that what else the machine does meets both; raises FirstmateError when a host did not answer."""
    theirs, ours = [], []
    progress.step(f"Starting {hosts} simulated servers")
    with simulated(hosts) as ports:
        for number in range(-1, repetitions):
            progress.step("Sweeping", max(0, number) / repetitions)
            loop = bare(ports)
            took, found = swept(ports)
            if not found.alike:
                raise FirstmateError(f"The sweep found what is not so: {found.says}")
            if number >= 0:  # the first round warms both up
                theirs.append(loop)
                ours.append(took)
        progress.step(f"Sweeping with {2 * WRONG} dead hosts")
        with unanswered(WRONG, WRONG) as dead:
            every = hosts // (2 * WRONG)
            mixed = [port for n, wrong in enumerate(dead) for port in (wrong, *ports[n * every : (n + 1) * every])]
            took, found = swept([*mixed, *ports[2 * WRONG * every :]])
    return Figures(tuple(theirs), tuple(ours), took, sum(len(each.hosts) for each in found.silent))


def _line(name: str, seconds: Sequence[float]) -> str:
    middle, least, most = statistics.median(seconds), min(seconds), max(seconds)
    return f"{name:<24} median {middle:5.2f} s   min {least:5.2f} s   max {most:5.2f} s\n"


def _says(hosts: int, found: Figures) -> str:
    ratio, median = statistics.median(found.ratios), statistics.median(found.sweep)
    held = {True: "holds", False: "does not hold"}
    return (
        f"{hosts} simulated servers, {WORKERS} threads, {len(found.sweep)} rounds, {os.cpu_count()} processors\n"
        + _line("bare loop over PyMySQL", found.bare)
        + _line("firstmate sweep", found.sweep)
        + f"ratio {ratio:.2f} (aim: at most {MOST_RATIO:g}, {held[ratio <= MOST_RATIO]}); "
        f"{median:.2f} s (aim: under {MOST_SECONDS:g} s, {held[median < MOST_SECONDS]})\n"
        f"with {WRONG} more hosts that refuse and {WRONG} that never answer: {found.with_dead:.2f} s, "
        f"{found.silent} told as silent\n"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark; 0 when it ran, whatever the figures are."""
    parser = argparse.ArgumentParser(prog="python -m bot.lab.bench_sweep", description=__doc__)
    parser.add_argument("--hosts", type=int, default=HOSTS, metavar="N", help=f"simulated servers ({HOSTS})")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS, metavar="N", help=f"rounds ({REPETITIONS})")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    given = parser.parse_args(arguments)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES if most == resource.RLIM_INFINITY else min(FILES, most), most))
    os.environ[PASSWORD_IN] = PASSWORD
    reporter = Silent() if given.json else Bar()
    try:
        with reporter if isinstance(reporter, Bar) else nullcontext():
            found = measure(given.hosts, given.repetitions, reporter)
    except FirstmateError as error:
        sys.stderr.write(f"bench: {error}\n")
        return int(error.exit_code)
    if given.json:
        sys.stdout.write(
            json.dumps(
                {
                    "hosts": given.hosts,
                    "bare": found.bare,
                    "sweep": found.sweep,
                    "ratio": statistics.median(found.ratios),
                    "with_dead": found.with_dead,
                    "silent": found.silent,
                }
            )
            + "\n"
        )
    else:
        sys.stdout.write(_says(given.hosts, found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
