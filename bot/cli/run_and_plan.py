"""The commands that run a runbook once, from the shell."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from bot import shell_run as oneshot
from bot.cli.terminal import MARKS, ConfigOption, JsonOption, configured, named_values, out, print_json
from bot.engine.other_runbooks import other_runbooks, with_next_step
from bot.engine.run import Run, RunState
from bot.errors import Exit
from bot.guards import title

commands = typer.Typer()


@commands.command()
def run(
    alert: Annotated[
        Path, typer.Option("--alert", help="File with Alertmanager's webhook body, or one alert, as JSON.")
    ],
    remedy: Annotated[str, typer.Option("--remedy", help="Also run this remedy, subject to all guards.")] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Diagnoses an alert; changes nothing unless --remedy names a remedy."""
    settings = configured(config)
    read = oneshot.read_alert(alert)
    report = oneshot.remedy(settings, read, remedy) if remedy else oneshot.diagnose(settings, read)
    if as_json:
        print_json(report.as_json())
    else:
        _show(report)
    if not report.ok:
        raise typer.Exit(Exit.FOUND)


@commands.command()
def plan(
    runbook: Annotated[str, typer.Argument(help="Name of the runbook.")],
    target: Annotated[str, typer.Option("--target", help="Name or address of the instance.")],
    remedy: Annotated[str, typer.Option("--remedy", help="The remedy. Default: that of the leading cause.")] = "",
    given: Annotated[list[str] | None, typer.Option("--input", help="An input as NAME=VALUE; repeatable.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Shows a remedy's statements on a target, the results of the guards and the approvals needed; changes nothing."""
    report = oneshot.plan(
        configured(config), runbook, target, remedy, named_values(given or [], "--input lag_limit=30s")
    )
    if as_json:
        print_json(report.as_json())
    else:
        _show(report)
        for verdict in report.run.verdicts:
            mark = MARKS[verdict.answer.value]
            out.print(f"  {mark} {title(verdict.guard)}: {escape(verdict.says)}", highlight=False)
        if report.run.plan is not None and not report.not_offered:
            out.print(
                f"  Approvals needed: {report.run.approvals_needed}, from people other than the requester.",
                highlight=False,
            )
    if report.run.plan is None or report.not_offered:
        raise typer.Exit(Exit.FOUND)


def _show(report: oneshot.Report) -> None:
    run = report.run
    out.print(f"[bold]{escape(run.title)}[/] on {run.target}  ({run.runbook}, {escape(run.matched)})", highlight=False)
    for cause in run.causes:
        if cause.verdict == "holds":
            says = cause.says if cause is run.lead else with_next_step(cause)
            out.print(f"{'[bold]→[/] ' if cause is run.lead else '  also: '}{escape(says)}", highlight=False)
    for text in other_runbooks(run):
        out.print(f"  {escape(text)}", highlight=False)
    if run.seen_before is not None:
        out.print(f"  Seen before: {run.seen_before.says}", markup=False, highlight=False)
    for label, text in run.shown:
        out.print(f"  [dim]{label}[/]  {escape(text)}", highlight=False)
    for step, says in report.missing.items():
        out.print(f"  missing: {step}: {says}", markup=False, style="yellow")
    if run.lead is None:
        out.print("This runbook found no cause.")
    _plan(run)
    if report.not_offered:
        out.print(f"Not offered: {report.not_offered}", markup=False, style="yellow")
    if run.says:
        state = RunState.DIAGNOSED if run.state is RunState.TRIAGING else run.state
        out.print(f"{state.label}: {run.says}", markup=False)


def _plan(run: Run) -> None:
    """Prints the statements of the plan, if any, and the statements that would undo it."""
    if run.plan is not None:
        out.print(
            f"[bold]Plan[/] {run.plan.title} on {', '.join(run.plan.targets)} ({run.plan.blast_radius})",
            highlight=False,
        )
        for change in run.plan.changes:
            where = f"{change.target}> " if len(run.plan.targets) > 1 else ""
            for statement in change.statements:
                out.print(f"    {where}{statement}", markup=False, highlight=False)
        for says in filter(None, (run.plan.cost, run.plan.undo_says)):
            out.print(f"  {says}", markup=False)
        for statement in run.plan.undo:
            out.print(f"    undo: {statement}", markup=False, highlight=False)
