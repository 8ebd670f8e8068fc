"""The command `firstmate`, and the one place where an exception becomes a sentence and an exit code."""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from typer.exceptions import TyperException

from bot import app as composition
from bot import oneshot
from bot.alerts import Alert, AlertStatus
from bot.config import Config, load
from bot.engine.remedy import utc_now
from bot.errors import Exit, FirstmateError, WrongUsage
from bot.lab import commands as lab_commands
from bot.lab import demo as lab_demo
from bot.lab.lab import lab_config
from bot.runbook.match import Tie, choose, explain
from bot.store import audit as audit_log
from bot.store.database import Database

log = logging.getLogger(__name__)

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Incident triage and guarded runbook automation for MySQL and MariaDB fleets.",
)
audit = typer.Typer(no_args_is_help=True, help="The audit log: every event in one chain of hashes.")
cli.add_typer(audit, name="audit")
cli.add_typer(lab_commands.app, name="lab")

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="firstmate.yml; without it, that of the lab which is up here.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]

out = Console()
err = Console(stderr=True)


def main() -> None:
    """Runs the command and turns whatever ends it into a sentence and an exit code."""
    logging.basicConfig(level=_log_level(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        code = cli(standalone_mode=False)
    except FirstmateError as error:
        err.print(f"firstmate: {error}", style="red", highlight=False, markup=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except TyperException as error:
        says = f"firstmate: {error.format_message()} Try firstmate --help."
        err.print(says, style="red", highlight=False, markup=False, soft_wrap=True)
        sys.exit(Exit.USAGE)
    except (typer.Abort, KeyboardInterrupt):
        err.print("firstmate: interrupted.", style="yellow")
        sys.exit(Exit.INTERRUPTED)
    except Exception as error:
        # The edge: a bug. The log has the traceback, a person gets one sentence.
        log.debug("a bug", exc_info=True)
        says = f"firstmate: a bug ({type(error).__name__}: {error}). Set FIRSTMATE_LOG=debug and report it."
        err.print(says, style="red", highlight=False, markup=False, soft_wrap=True)
        sys.exit(Exit.BUG)
    sys.exit(code if isinstance(code, int) else Exit.DONE)


def _log_level() -> int:
    """The level that FIRSTMATE_LOG names: debug, info, warning (as without it) or error."""
    return logging.getLevelNamesMapping().get(os.environ.get("FIRSTMATE_LOG", "").upper(), logging.WARNING)


def _config(path: Path | None) -> Config:
    """The named configuration, or that of the lab which is up in the working directory."""
    found = path or lab_config(Path.cwd())
    if found is None:
        raise WrongUsage("No configuration: name one with --config, or bring a lab up here with firstmate lab up.")
    return load(found)


def _print_json(document: object) -> None:
    sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")


@cli.command()
def serve(
    config: ConfigOption = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log what happens, to stderr.")] = False,
) -> None:
    """Runs the bot: webhooks in, Slack out, until it is stopped."""
    if verbose:
        logging.getLogger("bot").setLevel(logging.INFO)
    settings = _config(config)
    address = f"http://{settings.intake.host}:{settings.intake.port}"
    composition.serve(
        settings, ready=lambda: err.print(f"Firstmate stands watch; alerts go to {address}/alerts/alertmanager.")
    )


@cli.command()
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
        _print_json(
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


@cli.command()
def run(
    alert: Annotated[Path, typer.Option("--alert", help="Alertmanager's webhook body, or one alert, as JSON.")],
    remedy: Annotated[str, typer.Option("--remedy", help="Make this remedy too, under all guards.")] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Diagnoses an alert; changes something only when --remedy names what."""
    settings = _config(config)
    read = oneshot.read_alert(alert)
    report = oneshot.remedy(settings, read, remedy) if remedy else oneshot.diagnose(settings, read)
    if as_json:
        _print_json(report.as_json())
    else:
        _show(report)
    if not report.ok:
        raise typer.Exit(Exit.FOUND)


@cli.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="Play it without a person, then end.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Breaks replication on a real server and mends it from Slack."""
    raise typer.Exit(lab_demo.once(as_json=as_json) if once else lab_demo.play())


@audit.command()
def verify(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Walks the chain and finds the first row that was changed, is missing, or was moved."""
    database = Database(_config(config).data, exclusive=False)
    with database.reading() as connection:
        rows, fault = audit_log.verify(audit_log.entries(connection))
    last = _last_hash(database)
    if as_json:
        _print_json({"rows": rows, "last": last, "ok": fault is None, "fault": fault.says if fault else None})
    elif fault is None:
        out.print(f"[green]The chain holds[/]: {rows} rows, last hash {last[:16]}.", highlight=False)
    else:
        out.print(f"[red]The chain is broken[/] after {rows} rows: {fault.says}.", highlight=False)
    if fault is not None:
        raise typer.Exit(Exit.FOUND)


@audit.command()
def show(
    config: ConfigOption = None,
    newest: Annotated[int, typer.Option("--newest", min=1, max=100_000, help="How many of the last rows.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Shows the newest rows, oldest first; --json prints JSON Lines."""
    database = Database(_config(config).data, exclusive=False)
    table = Table("seq", "at", "event", "actor", "subject", "data", box=None, pad_edge=False)
    with database.reading() as connection:
        for row in audit_log.entries(connection, newest=newest):
            fields: dict[str, Any] = {name: getattr(row, name) for name in ("seq", "at", "event", "actor", "subject")}
            if as_json:
                sys.stdout.write(json.dumps({**fields, "data": json.loads(row.data), "hash": row.hash}) + "\n")
            else:
                table.add_row(*map(str, fields.values()), row.data[:120])
    if not as_json:
        out.print(table, markup=False)


def _last_hash(database: Database) -> str:
    with database.reading() as connection:
        return next((row.hash for row in audit_log.entries(connection, newest=1)), audit_log.GENESIS)


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
        out.print(f"[bold]Plan[/] {run.plan.title} on {run.plan.target} ({run.plan.blast_radius})", highlight=False)
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
