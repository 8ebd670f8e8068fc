"""`firstmate coverage`: the runbook for each alert of Prometheus rule files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.markup import escape
from rich.table import Table

from bot.cli.terminal import JsonOption, RunbooksOption, counted, library, out, print_json
from bot.errors import Exit, WrongUsage
from bot.runbook.matching.coverage import AlertingRule, CoverageKind, RuleCoverage, rule_coverage, rules_of

commands = typer.Typer()

MAX_BYTES = 10 * 1024 * 1024
"""The size limit of a rule file."""
_COLOURS = {
    CoverageKind.SPECIFIC: "green",
    CoverageKind.FALLBACK: "yellow",
    CoverageKind.TIE: "bold red",
    CoverageKind.NONE: "red",
}


@commands.command()
def coverage(
    rules: Annotated[list[Path], typer.Argument(help="Prometheus rule files.", metavar="RULES.yml...")],
    config: RunbooksOption = None,
    as_json: JsonOption = False,
) -> None:
    """Shows which runbook matches each alert of Prometheus rule files, and why; exits with 1 if an alert has none."""
    runbooks = library(config).runbooks
    found = rule_coverage(runbooks, [rule for path in rules for rule in _rules(path)])
    if as_json:
        print_json({"alerts": [_document(each) for each in found]})
    else:
        _print(found)
    if any(each.verdict is CoverageKind.NONE for each in found):
        raise typer.Exit(Exit.FOUND)


def _rules(path: Path) -> list[AlertingRule]:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise WrongUsage(f"Cannot read {path}: {error.strerror}.") from error
    if len(raw) > MAX_BYTES:
        raise WrongUsage(f"{path} exceeds the limit of {MAX_BYTES // 1024 // 1024} MiB for a rule file.")
    try:
        documents = list(yaml.load_all(raw, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise WrongUsage(f"{path} is not valid YAML: {' '.join(str(error).split())[:300]}.") from error
    return [rule for each in documents if each is not None for rule in rules_of(each, str(path))]


def _document(each: RuleCoverage) -> dict[str, object]:
    return {
        "file": each.rule.file,
        "alert": each.rule.alert,
        "verdict": each.verdict.value,
        "runbook": each.runbook,
        "matcher": each.matcher,
        "tie": list(each.tie),
    }


def _print(found: list[RuleCoverage]) -> None:
    for file in dict.fromkeys(each.rule.file for each in found):
        table = Table("alert", "verdict", "runbook", "by", box=None, pad_edge=False)
        for each in (each for each in found if each.rule.file == file):
            runbook = each.runbook or " and ".join(each.tie) or "-"
            table.add_row(
                escape(each.rule.alert),
                f"[{_COLOURS[each.verdict]}]{each.verdict.value}",
                escape(runbook),
                escape(each.matcher or ""),
            )
        out.print(f"[bold]{escape(file)}[/]", highlight=False)
        out.print(table)
    counts = Counter(each.verdict for each in found)
    by_verdict = ", ".join(f"{counts[verdict]} {verdict.value}" for verdict in CoverageKind if counts[verdict])
    out.print(f"{counted(len(found), 'alert')}: {by_verdict or 'no alerting rules'}.", highlight=False)
