"""The command that tells which alerts of Prometheus rule files the runbooks answer."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.markup import escape
from rich.table import Table

from bot.cli.terminal import ConfigOption, JsonOption, library, out, print_json
from bot.errors import Exit, WrongUsage
from bot.runbook.matching.coverage import CoverageKind, Covered, Rule, covered, rules_of

commands = typer.Typer()

MAX_BYTES = 10 * 1024 * 1024
"""The largest rule file that is read."""
_SHOWN = {
    CoverageKind.SPECIFIC: "green",
    CoverageKind.FALLBACK: "yellow",
    CoverageKind.TIE: "bold red",
    CoverageKind.NONE: "red",
}


@commands.command()
def coverage(
    rules: Annotated[list[Path], typer.Argument(help="Prometheus rule files.", metavar="RULES.yml...")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tells for every alert of rule files which runbook answers it, and by which matcher; exit 1 where none does."""
    runbooks = library(config).runbooks
    found = covered(runbooks, [rule for path in rules for rule in _rules(path)])
    if as_json:
        print_json({"alerts": [_document(each) for each in found]})
    else:
        _print(found)
    if any(each.verdict is CoverageKind.NONE for each in found):
        raise typer.Exit(Exit.FOUND)


def _rules(path: Path) -> list[Rule]:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise WrongUsage(f"{path} cannot be read: {error.strerror}.") from error
    if len(raw) > MAX_BYTES:
        raise WrongUsage(f"{path} is larger than the {MAX_BYTES // 1024 // 1024} MiB that are read of a rule file.")
    try:
        documents = list(yaml.load_all(raw, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise WrongUsage(f"{path} is no YAML: {' '.join(str(error).split())[:300]}.") from error
    return [rule for each in documents if each is not None for rule in rules_of(each, str(path))]


def _document(each: Covered) -> dict[str, object]:
    return {
        "file": each.rule.file,
        "alert": each.rule.alert,
        "verdict": each.verdict.value,
        "runbook": each.runbook,
        "matcher": each.matcher,
        "tie": list(each.tie),
    }


def _print(found: list[Covered]) -> None:
    for file in dict.fromkeys(each.rule.file for each in found):
        table = Table("alert", "verdict", "runbook", "by", box=None, pad_edge=False)
        for each in (each for each in found if each.rule.file == file):
            runbook = each.runbook or " and ".join(each.tie) or "-"
            table.add_row(
                escape(each.rule.alert),
                f"[{_SHOWN[each.verdict]}]{each.verdict.value}",
                escape(runbook),
                escape(each.matcher or ""),
            )
        out.print(f"[bold]{escape(file)}[/]", highlight=False)
        out.print(table)
    counts = Counter(each.verdict for each in found)
    said = ", ".join(f"{counts[verdict]} {verdict.value}" for verdict in CoverageKind if counts[verdict])
    out.print(f"{len(found)} alerts: {said or 'nothing to answer'}.", highlight=False)
