"""The results of the random faults: per primitive, the goals, and how to play a failure again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from bot.lab.random_faults.judging import Result

FIRST_RIGHT = 0.95
"""The goal for the share of right first causes."""
HELPED = 0.95
"""The goal for the share of pressed remedies that helped."""


@dataclass(frozen=True)
class Totals:
    """Numbers of scenarios; `played` does not count those that could not be played."""

    played: int
    first_right: int
    among_three: int
    remedy_right: int
    pressed: int
    helped: int
    harm: int
    untrue: int
    failed: int


def totals(results: Sequence[Result]) -> Totals:
    """Returns the totals of some results."""
    played = [each for each in results if not each.failed]
    return Totals(
        played=len(played),
        first_right=sum(each.judged.first_right for each in played),
        among_three=sum(each.judged.among_three for each in played),
        remedy_right=sum(each.judged.remedy_right for each in played),
        pressed=sum(each.pressed for each in played),
        helped=sum(each.helped for each in played),
        harm=sum(bool(each.harm) for each in played),
        untrue=sum(each.untrue for each in played),
        failed=len(results) - len(played),
    )


def goals_met(results: Sequence[Result]) -> bool:
    """Returns whether the goals are met; a scenario that could not be played misses them."""
    found = totals(results)
    return (
        found.played > 0
        and found.failed == 0
        and found.first_right >= FIRST_RIGHT * found.played
        and found.helped >= HELPED * found.pressed
        and found.harm == 0
        and found.untrue == 0
    )


def as_json(seed: int, results: Sequence[Result]) -> str:
    """Returns the results as JSON."""
    rows = []
    for each in results:
        judged = {**asdict(each.judged), "mends": [truth.primitive for truth in each.judged.mends]}
        rows.append({**_plain(each), "judged": judged, "wrong": each.wrong})
    return json.dumps({"seed": seed, "scenarios": rows, "totals": asdict(totals(results)), "goals": goals_met(results)})


def _plain(result: Result) -> dict[str, object]:
    names = ("seed", "index", "primitive", "title", "pressed", "helped", "ended", "ended_says", "untrue", "hurt")
    return {name: getattr(result, name) for name in (*names, "failed", "seconds")}


def print_results(seed: int, results: Sequence[Result]) -> None:
    """Prints a table with one row for each primitive, the failures, and whether the goals are met."""
    console = Console(width=150, highlight=False, markup=False)
    table = Table(box=None, header_style="bold")
    columns = ("played", "first cause", "among three", "remedy", "pressed", "helped", "harm", "untrue", "not played")
    for column in ("primitive", *columns):
        table.add_column(column, justify="left" if column == "primitive" else "right")
    for name in sorted({each.primitive for each in results}):
        table.add_row(name, *_row(totals([each for each in results if each.primitive == name])))
    table.add_row("all", *_row(totals(results)), style="bold")
    console.print(table)
    for each in results:
        if each.wrong:
            console.print(f"--seed {each.seed} --index {each.index}  {each.title}: {'; '.join(each.wrong.values())}")
    console.print(f"seed {seed}. The goals are {'met' if goals_met(results) else 'not met'}.")


def _row(found: Totals) -> list[str]:
    return [str(each) for each in asdict(found).values()]
