"""`python -m bot.lab.random_faults`: plays random faults on a lab of its own, and prints how the bot did."""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console

from bot.errors import Exit, FirstmateError
from bot.lab.lab_state import read
from bot.lab.lab_up_and_down import bring_up, tear_down
from bot.lab.progress import NoProgress, ProgressBar
from bot.lab.random_faults.bench import play_all, ready_player, smallest
from bot.lab.random_faults.catalog import PRIMITIVES
from bot.lab.random_faults.generator import draw
from bot.lab.random_faults.judging import Result
from bot.lab.random_faults.player import Player
from bot.lab.random_faults.results import as_json, goals_met, print_results
from bot.lab.random_faults.scenario import Scenario, encode

MOST_MINIMISED = 5
err = Console(stderr=True, highlight=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Plays the scenarios of a seed on a lab of its own; returns 0 when the goals are met."""
    given = _parsed(arguments)
    seed = given.seed if given.seed is not None else secrets.randbelow(1_000_000)
    if given.only and given.only not in PRIMITIVES:
        err.print(f"random faults: unknown primitive {given.only}; there are {', '.join(sorted(PRIMITIVES))}.")
        return int(Exit.USAGE)
    indexes = [given.index] if given.index is not None else range(given.count)
    scenarios = [draw(seed, index, PRIMITIVES, given.only) for index in indexes]
    err.print(f"seed {seed}, {len(scenarios)} scenarios")
    if given.draw:
        for each in scenarios:
            err.print(f"{each.index:4}  {each.title}", markup=False)
        return int(Exit.DONE)
    folder = given.lab or Path(tempfile.mkdtemp(prefix="firstmate-random-faults-"))
    reporter = NoProgress() if given.json else ProgressBar()
    try:
        with reporter if isinstance(reporter, ProgressBar) else nullcontext():
            state = (read(folder) if given.lab else None) or bring_up(folder, progress=reporter)
        with ready_player(state) as player:
            results = play_all(player, scenarios)
            if given.minimise:
                _minimise(player, scenarios, results)
    except FirstmateError as error:
        err.print(f"random faults: {error}", style="red", markup=False)
        return int(error.exit_code)
    finally:
        if not given.lab:
            tear_down(folder)
    if given.json:
        sys.stdout.write(as_json(seed, results) + "\n")
    else:
        print_results(seed, results)
    return int(Exit.DONE if goals_met(results) else Exit.FOUND)


def _minimise(player: Player, scenarios: Sequence[Scenario], results: Sequence[Result]) -> None:
    """Prints the smallest failing scenario of each primitive that failed, as a file of the fixed tests."""
    by_index = {each.index: each for each in scenarios}
    failures = {each.primitive: each for each in reversed(results) if each.wrong and not each.failed}
    for result in sorted(failures.values(), key=lambda each: each.index)[:MOST_MINIMISED]:
        found = smallest(player, by_index[result.index], result)
        err.print(f"tests/lab/random_faults/scenarios/{result.primitive}_{result.seed}_{result.index}.json:")
        err.print(encode(found), markup=False)


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bot.lab.random_faults", description=__doc__)
    parser.add_argument("--seed", type=int, metavar="N", help="the seed; a fresh one by default, which is printed")
    parser.add_argument("--count", type=int, default=60, metavar="K", help="number of scenarios (default: 60)")
    parser.add_argument("--index", type=int, metavar="I", help="play only this scenario of the seed")
    parser.add_argument("--only", default="", metavar="PRIMITIVE", help="only scenarios about this primitive")
    parser.add_argument("--draw", action="store_true", help="print the scenarios and play none")
    parser.add_argument("--lab", type=Path, metavar="FOLDER", help="use the lab that is up in this folder")
    parser.add_argument("--minimise", action="store_true", help="make failing scenarios smaller, and print them")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
