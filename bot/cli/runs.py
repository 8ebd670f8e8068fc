"""The commands that run a runbook once from the shell."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot import oneshot
from bot.cli.terminal import ConfigOption, JsonOption, configured, out, print_json
from bot.errors import Exit

commands = typer.Typer()


@commands.command()
def run(
    alert: Annotated[Path, typer.Option("--alert", help="Alertmanager's webhook body, or one alert, as JSON.")],
    remedy: Annotated[str, typer.Option("--remedy", help="Make this remedy too, under all guards.")] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Diagnoses an alert; changes something only when --remedy names what."""
    settings = configured(config)
    read = oneshot.read_alert(alert)
    report = oneshot.remedy(settings, read, remedy) if remedy else oneshot.diagnose(settings, read)
    if as_json:
        print_json(report.as_json())
    else:
        _show(report)
    if not report.ok:
        raise typer.Exit(Exit.FOUND)


def _show(report: oneshot.Report) -> None:
    run = report.run
    out.print(f"[bold]{run.title}[/] on {run.target}  ({run.runbook}, {run.matched})", highlight=False)
    for cause in run.causes:
        if cause.verdict == "holds":
            leads = cause is run.lead
            out.print(("[bold]→[/] " if leads else "  also: ") + cause.says, markup=leads, highlight=False)
    for step, says in report.missing.items():
        out.print(f"  missing: {step}: {says}", markup=False, style="yellow")
    if run.lead is None:
        out.print("No cause that this runbook knows holds.")
    if run.plan is not None:
        out.print(
            f"[bold]Plan[/] {run.plan.title} on {', '.join(run.plan.targets)} ({run.plan.blast_radius})",
            highlight=False,
        )
        for statement in run.plan.statements:
            out.print(f"    {statement}", markup=False)
        out.print(f"  {run.plan.undo_says}", markup=False)
    if report.not_offered:
        out.print(f"Not offered: {report.not_offered}", markup=False, style="yellow")
    if run.says:
        out.print(f"{run.state.value}: {run.says}", markup=False)
