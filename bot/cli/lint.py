"""The command that looks whether runbooks are right, before anybody needs them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from bot.cli.terminal import ConfigOption, JsonOption, err, library, out, print_json, runbook_folders
from bot.errors import Exit, FirstmateError, WrongUsage
from bot.runbook.findings import Finding, Severity
from bot.runbook.lint import Report, lint_folders, lint_paths
from bot.runbook.lint_formats import as_github, as_json, as_sarif
from bot.runbook.schema import Runbook

commands = typer.Typer()

_COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow"}
_WIDEST = 160
"""Characters of a line that are shown."""


class Format(StrEnum):
    """How the findings are printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


@commands.command()
def lint(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Runbooks, or folders of them; without any, those in force.")
    ] = None,
    form: Annotated[Format | None, typer.Option("--format", help="How findings are printed.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
    config: ConfigOption = None,
    as_json_too: JsonOption = False,
) -> None:
    """Looks for mistakes in runbooks: syntax, names, types, units, and causes that can never lead."""
    if as_json_too and form not in (None, Format.JSON):
        raise WrongUsage("--json and --format name two forms; give one of them.")
    report = lint_paths(paths, lambda: _around(config)) if paths else lint_folders(runbook_folders(config))
    match Format.JSON if as_json_too else form or Format.TEXT:
        case Format.JSON:
            print_json(as_json(report))
        case Format.SARIF:
            print_json(as_sarif(report))
        case Format.GITHUB:
            for line in as_github(report):
                typer.echo(line)
        case Format.TEXT:
            _show(report)
    if report.count(Severity.ERROR) or (strict and report.findings):
        raise typer.Exit(Exit.FOUND)


def _around(config: Path | None) -> Iterable[Runbook]:
    """The runbooks in force; where they cannot be used, that is not what was asked."""
    try:
        return library(config).runbooks
    except FirstmateError:
        return ()


def _show(report: Report) -> None:
    for finding in report.findings:
        where = f"{finding.file}:{finding.line}:{finding.column}: "
        line = Text(_printable(where), "bold")
        line.append(f"{finding.severity.value}: ", _COLOURS[finding.severity])
        line.append(_printable(finding.text), "not bold")
        line.append(f" [{finding.rule}]", "not bold dim")
        out.print(line, soft_wrap=True, highlight=False)
        if out.is_terminal:
            _show_line(report, finding)
    errors, warnings = (_counted(report.count(each), each.value) for each in Severity)
    found = f"{errors}, {warnings}" if report.findings else "nothing found"
    err.print(f"{_counted(report.files, 'runbook')}: {found}.", highlight=False, markup=False)


def _show_line(report: Report, finding: Finding) -> None:
    """The line of the file, with a caret below the place; a long line is cut so that the place is seen."""
    source = _printable(report.line(finding))
    if not source.strip():
        return
    begin = max(0, finding.column - _WIDEST // 2) if len(source) > _WIDEST else 0
    shown = source[begin : begin + _WIDEST]
    out.print(Text(f"  {shown}"), soft_wrap=True, highlight=False)
    out.print(Text(" " * (2 + finding.column - 1 - begin) + "^", _COLOURS[finding.severity]), soft_wrap=True)


def _printable(text: str) -> str:
    """Text from a file as a terminal may have it: what would move the cursor or change colours is shown as a dot."""
    return "".join(character if character.isprintable() else "·" for character in text)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
