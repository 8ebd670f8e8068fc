"""The command that records the evidence of a live alert as a test case."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot import case_recorder as recording
from bot.cli.terminal import ConfigOption, configured, err
from bot.errors import WrongUsage
from bot.fleet.configured_fleet import ConfiguredFleet
from bot.runbook.testing.recorded_case import text_of
from bot.shell_run import read_alert

commands = typer.Typer()


@commands.command()
def record(
    alert: Annotated[
        Path, typer.Option("--alert", help="File with Alertmanager's webhook body, or one alert, as JSON.")
    ],
    file: Annotated[Path, typer.Option("--out", help="File to write the case to.")],
    config: ConfigOption = None,
) -> None:
    """Runs the diagnostics of an alert's runbook once, and writes the redacted evidence as a test case."""
    settings = configured(config)
    if file.exists():
        raise WrongUsage(f"{file} already exists; name another file, or remove it.")
    found = recording.record(settings, read_alert(alert), ConfiguredFleet(settings))
    try:
        file.write_text(text_of(found.case), encoding="utf-8")
    except OSError as error:
        raise WrongUsage(f"{file} cannot be written: {error.strerror}.") from error
    for left_out in found.left_out:
        err.print(f"Omitted: {left_out}.", style="yellow", highlight=False, markup=False)
    cause = found.case["expect"]["cause"] or "no cause"
    err.print(
        f"{file}: {found.case['runbook']}, {cause}. Replay it with: firstmate test --replay {file}",
        markup=False,
        soft_wrap=True,
    )
