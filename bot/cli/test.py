"""`firstmate test`: runs the tests of runbooks and replays recorded cases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from bot.case_card import card_text
from bot.cli.terminal import JsonOption, RunbooksOption, counted, library, out, print_json
from bot.errors import Exit, WrongUsage
from bot.runbook.language.runbook_files import files_of
from bot.runbook.language.schema import Runbook
from bot.runbook.library.load_runbooks import Library, load_file
from bot.runbook.testing.recorded_case import read_case
from bot.runbook.testing.run_tests import Difference, TestResult, coverage, differences, run_tests

commands = typer.Typer()


@commands.command("test")
def run_all(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Runbook files or folders. Default: the configured runbook folders.")
    ] = None,
    replay: Annotated[
        list[Path] | None,
        typer.Option("--replay", help="A recorded case or a folder of cases to replay. Can be repeated."),
    ] = None,
    config: RunbooksOption = None,
    as_json: JsonOption = False,
) -> None:
    """Runs the tests of runbooks without a server, and lists the causes that no test expects."""
    if replay:
        known = library(config) if not paths else Library(tuple(_runbooks(paths)))
        results, runbooks = [_replayed(known, path) for path in _cases(replay)], []
    else:
        runbooks = list(_runbooks(paths)) if paths else list(library(config).runbooks)
        results = [result for runbook in runbooks for result in run_tests(runbook, card_text)]
    failed = [result for result in results if not result.passed]
    if as_json:
        print_json(_as_json(runbooks, results))
    else:
        _show(runbooks, results)
    if failed:
        raise typer.Exit(Exit.FOUND)
    if not results:
        raise WrongUsage("No tests found; add some under `tests:` or give another path.")


def _runbooks(paths: Sequence[Path]) -> Iterator[Runbook]:
    for path in paths:
        if path.is_dir():
            yield from (load_file(each, path) for each in files_of(path))
        else:
            yield load_file(path)


def _cases(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        yield from files_of(path) if path.is_dir() else [path]


def _replayed(known: Library, path: Path) -> TestResult:
    case = read_case(path)
    runbook = known.find(case.runbook)
    return TestResult(case.runbook, 0, case.name or path.stem, differences(runbook, case, card_text))


def _as_json(runbooks: Sequence[Runbook], results: Sequence[TestResult]) -> dict[str, Any]:
    covered = {runbook.runbook: coverage(runbook) for runbook in runbooks}
    return {
        "passed": sum(result.passed for result in results),
        "failed": sum(not result.passed for result in results),
        "tests": [
            {
                "runbook": result.runbook,
                "test": result.name,
                "passed": result.passed,
                "differences": [{"what": d.what, "expected": d.expected, "got": d.got} for d in result.differences],
            }
            for result in results
        ],
        "coverage": {name: {"covered": found.covered, "missed": found.missed} for name, found in covered.items()},
    }


def _show(runbooks: Sequence[Runbook], results: Sequence[TestResult]) -> None:
    for result in results:
        if not result.passed:
            out.print(f"[red]✗[/] [bold]{result.runbook}[/]: {escape(result.name)}", highlight=False)
            for each in result.differences:
                _show_difference(each)
    for runbook in runbooks:
        here = [result for result in results if result.runbook == runbook.runbook]
        good, found = all(result.passed for result in here), coverage(runbook)
        mark = "[green]✓[/]" if good else "[red]✗[/]"
        causes = f"{len(found.covered)} of {counted(len(runbook.causes), 'cause')}"
        missed = f"  [yellow]no test for: {', '.join(found.missed)}[/]" if found.missed else ""
        out.print(f"{mark} {runbook.runbook}  {counted(len(here), 'test')}, {causes}{missed}", highlight=False)
    failed = sum(not result.passed for result in results)
    colour = "red" if failed else "green"
    out.print(f"[{colour}]{len(results) - failed} passed, {failed} failed[/]", highlight=False)


def _show_difference(each: Difference) -> None:
    """Prints the expected and the actual outcome, one below the other."""
    out.print(f"    {escape(each.what)}", highlight=False)
    if each.expected:
        for sign, text, colour in (("-", each.expected, "red"), ("+", each.got, "green")):
            for line in text.splitlines() or [""]:
                out.print(f"  [{colour}]{sign} {escape(line)}[/]", highlight=False, soft_wrap=True)
