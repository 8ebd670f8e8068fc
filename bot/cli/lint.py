"""The command that looks whether runbooks are right, before anybody needs them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.findings import show
from bot.cli.terminal import ConfigOption, JsonOption, library, print_json, runbook_folders
from bot.errors import Exit, FirstmateError, WrongUsage
from bot.runbook.language.schema import Runbook
from bot.runbook.linting.lint_files import lint_folders, lint_paths
from bot.runbook.linting.report_formats import as_github, as_json, as_sarif
from bot.runbook.linting.rule import Severity

commands = typer.Typer()


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
            show(report, "runbook")
    if report.count(Severity.ERROR) or (strict and report.findings):
        raise typer.Exit(Exit.FOUND)


def _around(config: Path | None) -> Iterable[Runbook]:
    """The runbooks in force; where they cannot be used, that is not what was asked."""
    try:
        return library(config).runbooks
    except FirstmateError:
        return ()
