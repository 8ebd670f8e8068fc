"""The commands that follow one alert: which runbook answers it, and what that finds and does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

import typer
from rich.markup import escape
from rich.table import Table

from bot import app as composition
from bot import oneshot
from bot.alerts import Alert, AlertStatus
from bot.cli.terminal import ConfigOption, JsonOption, configured, out, print_json
from bot.config import load
from bot.engine.change import utc_now
from bot.errors import Exit, WrongUsage
from bot.lab.lab import lab_config
from bot.runbook.match import Tie, choose, explain

commands = typer.Typer()


@commands.command()
def match(
    labels: Annotated[str, typer.Option("--labels", help="alertname=...,instance=... of an alert.")],
    expression: Annotated[str, typer.Option("--expr", help="The alert's own PromQL expression.")] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tells which runbook answers an alert, and for every runbook why it does or does not."""
    url = f"http://prometheus/graph?{_query(expression)}" if expression else ""
    alert = Alert(labels=_labels(labels), status=AlertStatus.FIRING, starts_at=utc_now(), generator_url=url)
    found = config or lab_config(Path.cwd())
    runbooks = composition.library(load(found) if found else None)
    chosen = choose(runbooks.runbooks, alert)
    explanations = explain(runbooks.runbooks, alert)
    name = None if chosen is None or isinstance(chosen, Tie) else chosen.runbook.runbook
    if as_json:
        print_json(
            {
                "runbook": name,
                "matcher": None if chosen is None or isinstance(chosen, Tie) else chosen.matcher,
                "tie": list(chosen.names) if isinstance(chosen, Tie) else [],
                "runbooks": [
                    {"runbook": e.runbook.runbook, "matched": e.matches, "says": e.says} for e in explanations
                ],
            }
        )
    else:
        table = Table("runbook", "answers", "why", box=None, pad_edge=False)
        for each in explanations:
            here = each.runbook.runbook
            mark = "[bold green]this one" if here == name else "yes" if each.matches else "[dim]no"
            table.add_row(here, mark, escape(each.says))
        out.print(table)
    if name is None:
        raise typer.Exit(Exit.FOUND)


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


def _labels(text: str) -> dict[str, str]:
    """Parses `name=value,name=value`; a comma in a value is written `\\,`."""
    labels: dict[str, str] = {}
    for part in text.replace("\\,", "\0").split(","):
        name, equals, value = part.replace("\0", ",").partition("=")
        if not equals or not name.strip():
            raise WrongUsage(f"{part!r} is not a label; write --labels alertname=MySQLDown,instance=db1:3306.")
        labels[name.strip()] = value.strip().strip('"')
    return labels


def _query(expression: str) -> str:
    return urlencode({"g0.expr": expression})
