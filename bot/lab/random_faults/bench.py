"""Runs scenarios on a lab that is up, with a bot of its own: those of the two flavours side by side."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from rich.console import Console

from bot.config import load
from bot.lab.benchmarks.alert_latency import own_config
from bot.lab.bot_process import running_bot
from bot.lab.fault_bench.observed_bot import ObservedBot
from bot.lab.lab_state import LabState
from bot.lab.random_faults.bench_users import prepare
from bot.lab.random_faults.judging import Result
from bot.lab.random_faults.minimiser import minimise
from bot.lab.random_faults.player import Player
from bot.lab.random_faults.scenario import FLAVOURS, Scenario
from bot.store.open_database import open_database

NAME = "random-faults"
WITHIN = 60.0
"""Seconds for a run to end."""
err = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def ready_player(state: LabState) -> Iterator[Player]:
    """Prepares the lab, and runs a bot for the length of a with block."""
    state = prepare(state)
    shutil.rmtree(state.folder / f"data-{NAME}", ignore_errors=True)  # of an earlier bot, with other threads
    path = own_config(state, NAME)
    with running_bot(path, log=state.folder / "logs" / "random-faults.log"):
        config = load(path)
        database = open_database(config, exclusive=False)
        try:
            yield Player(ObservedBot(state, config, database, WITHIN))
        finally:
            database.close()


def play_all(player: Player, scenarios: Sequence[Scenario]) -> list[Result]:
    """Plays the scenarios, in the order of each flavour, prints each result, and returns them by index."""
    lanes = [[each for each in scenarios if each.flavour == flavour] for flavour in FLAVOURS]
    results: list[Result] = []

    def play(lane: Sequence[Scenario]) -> None:
        for scenario in lane:
            results.append(player.play(scenario))
            _print(len(results), len(scenarios), results[-1])

    with ThreadPoolExecutor(max_workers=len(lanes)) as pool:
        for each in [pool.submit(play, lane) for lane in lanes]:
            each.result()
    return sorted(results, key=lambda each: each.index)


def smallest(player: Player, scenario: Scenario, result: Result) -> Scenario:
    """Returns the smallest scenario that goes wrong in one of the ways in which this one did."""

    def fails(smaller: Scenario) -> bool:
        found = player.play(smaller)
        err.print(f"           smaller: {smaller.title}: {'; '.join(found.wrong.values()) or 'good'}", markup=False)
        return not found.failed and bool({*found.wrong} & {*result.wrong})

    return minimise(scenario, fails)


def _print(number: int, of: int, result: Result) -> None:
    err.print(f"{number:4}/{of}  #{result.index:<4} {result.seconds:5.1f} s  {result.title}", markup=False)
    for each in result.wrong.values():
        err.print(f"           {each}", markup=False)
    if result.wrong and not result.failed:
        err.print(f"           {result.judged.lead}: {result.judged.says[:300]}", markup=False)
        err.print(f"           {result.judged.run_says[:200]} {result.ended_says[:200]}", markup=False)
