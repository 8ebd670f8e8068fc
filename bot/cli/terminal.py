"""What all commands share: the two consoles, JSON for machines, and which configuration is meant."""

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
from bot.runbook.library.load import Library, folders_of, load_folders

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="firstmate.yml; without it, that of the lab which is up here.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]

MARKS = {"pass": "[green]✓[/]", "ask": "[yellow]?[/]", "refuse": "[red]✗[/]"}
"""A guard's answer -> its mark."""

out = Console()
err = Console(stderr=True)


def configured(path: Path | None) -> Config:
    """The named configuration, or that of the lab which is up in the working directory."""
    found = path or lab_config(Path.cwd())
    if found is None:
        raise WrongUsage("No configuration: name one with --config, or bring a lab up here with firstmate lab up.")
    return load(found)


def runbook_folders(path: Path | None) -> tuple[Path, ...]:
    """The folders of runbooks of the configuration that is meant, or the shipped one where there is none."""
    found = path or lab_config(Path.cwd())
    return folders_of(load(found) if found else None)


def library(path: Path | None) -> Library:
    """The runbooks of the configuration that is meant, or the shipped ones where there is none; raises RunbookError."""
    return load_folders(runbook_folders(path))


def named_values(given: list[str], example: str) -> dict[str, str]:
    """The values of options such as `--input NAME=VALUE`; raises WrongUsage with an example."""
    pairs = [text.partition("=") for text in given]
    for name, equals, _ in pairs:
        if not equals:
            raise WrongUsage(f"{name!r} is not NAME=VALUE; write {example}.")
    return {name.strip(): value.strip() for name, _, value in pairs}


def yaml_values(given: list[str], example: str) -> dict[str, object]:
    """The values of options such as `--with NAME=VALUE`, each read as YAML; raises WrongUsage with an example."""
    try:
        return {name: yaml.safe_load(text) for name, text in named_values(given, example).items()}
    except yaml.YAMLError as error:
        raise WrongUsage(f"A value cannot be read: {' '.join(str(error).split())[:200]}") from error


def print_json(document: object) -> None:
    sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")
