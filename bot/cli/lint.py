"""`firstmate lint`: checks runbooks for errors."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.finding_printer import show
from bot.cli.terminal import JsonOption, RunbooksOption, library, print_json, runbook_folders
from bot.errors import Exit, FirstmateError, WrongUsage
from bot.runbook.language.schema import Runbook
from bot.runbook.linting.lint_files import lint_folders, lint_paths
from bot.runbook.linting.report_formats import as_github, as_json, as_sarif
from bot.runbook.linting.rule import Severity

commands = typer.Typer()


class Format(StrEnum):
    """The output format."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


@commands.command()
def lint(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Runbook files or folders. Default: the configured runbook folders.")
    ] = None,
    output_format: Annotated[Format | None, typer.Option("--format", help="The output format.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for warnings as well.")] = False,
    config: RunbooksOption = None,
    as_json_output: JsonOption = False,
) -> None:
    """Checks runbooks for errors in syntax, names, types and units, and for causes that can never lead."""
    if as_json_output and output_format not in (None, Format.JSON):
        raise WrongUsage("--json and --format contradict each other; use one of them.")
    report = lint_paths(paths, lambda: _in_force(config)) if paths else lint_folders(runbook_folders(config))
    match Format.JSON if as_json_output else output_format or Format.TEXT:
        case Format.JSON:
            print_json(as_json(report))
        case Format.SARIF:
            print_json(as_sarif(report))
        case Format.GITHUB:
            for line in as_github(report):
                typer.echo(line)
        case Format.TEXT:
            show(report, "runbook")
    if report.count(Severity.ERROR) or (strict and report.findings):
        raise typer.Exit(Exit.FOUND)


def _in_force(config: Path | None) -> Iterable[Runbook]:
    """Returns the runbooks in force; none if they are invalid, which is not the subject of this command."""
    try:
        return library(config).runbooks
    except FirstmateError:
        return ()
