"""What all commands share: the two consoles, JSON output, common options and the choice of the configuration."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.console import Console

from bot.config import Config, load
from bot.errors import WrongUsage
from bot.lab_location import lab_config
from bot.runbook.library.load_runbooks import Library, folders_of, load_folders

_DEFAULT = "Path of firstmate.yml. Default: the configuration of the lab running in this directory"
ConfigOption = Annotated[Path | None, typer.Option("--config", help=f"{_DEFAULT}.")]
RunbooksOption = Annotated[
    Path | None, typer.Option("--config", help=f"{_DEFAULT}. Without either, the shipped runbooks are used.")
]
"""For commands that need only runbooks."""
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]

MARKS = {"pass": "[green]✓[/]", "ask": "[yellow]?[/]", "refuse": "[red]✗[/]"}
"""A guard's answer -> the mark printed for it."""

WIDE = 10_000
"""The width of standard output that is no terminal: a program or a file gets whole lines."""
READABLE = 100
"""The width of running text in standard output that is no terminal."""

out = Console(width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True)


def configured(path: Path | None) -> Config:
    """Loads the named configuration, or that of the lab in the working directory; raises WrongUsage without either."""
    found = path or lab_config(Path.cwd())
    if found is None:
        raise WrongUsage(
            "No configuration found: name one with --config, or start a lab in this directory with firstmate lab up."
        )
    return load(found)


def runbook_folders(path: Path | None) -> tuple[Path, ...]:
    """Returns the runbook folders of the configuration; without a configuration, the folder of the shipped runbooks."""
    found = path or lab_config(Path.cwd())
    return folders_of(load(found) if found else None)


def library(path: Path | None) -> Library:
    """Loads the runbooks of the configuration; without one, the shipped runbooks. Raises RunbookError."""
    return load_folders(runbook_folders(path))


def named_values(given: list[str], example: str) -> dict[str, str]:
    """Parses options such as `--input NAME=VALUE`; raises WrongUsage with an example."""
    pairs = [text.partition("=") for text in given]
    for name, equals, _ in pairs:
        if not equals:
            raise WrongUsage(f"{name!r} is not NAME=VALUE; write for example {example}.")
    return {name.strip(): value.strip() for name, _, value in pairs}


def yaml_values(given: list[str], example: str) -> dict[str, object]:
    """Parses options such as `--with NAME=VALUE`, each value as YAML; raises WrongUsage with an example."""
    try:
        return {name: yaml.safe_load(text) for name, text in named_values(given, example).items()}
    except yaml.YAMLError as error:
        raise WrongUsage(f"A value is not valid YAML: {' '.join(str(error).split())[:200]}") from error


def counted(count: int, what: str) -> str:
    """Returns a count with its noun, such as `1 alert` or `2 alerts`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def print_json(document: object) -> None:
    """Prints the document as indented JSON to standard output."""
    sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")
