"""The command that lists incidents and what each one waits for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from bot.cli.terminal import ConfigOption, JsonOption, configured, out, print_json
from bot.engine.run import Run
from bot.engine.wait_reasons import waits
from bot.slack.blocks import duration
from bot.store.open_database import open_database
from bot.store.run_store import RunStore
from bot.store.segment_queue import DirectQueue

commands = typer.Typer(no_args_is_help=True, help="Incidents that are in progress, and what they wait for.")


@commands.callback()
def _group() -> None:
    """Incidents that are in progress, and what they wait for."""


@commands.command(name="list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Include ended runs.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="Maximum number of runs.")] = 50,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lists runs, newest first, with what each waits for, since when and until when."""
    database = open_database(configured(config), exclusive=False)
    try:
        runs = RunStore(database, DirectQueue()).runs(under_way=not every, limit=limit)
    finally:
        database.close()
    if as_json:
        print_json({"incidents": [_document(run) for run in runs]})
        return
    if not runs:
        out.print("No runs in progress.")
        return
    table = Table("run", "state", "runbook", "target", "waits for", "since", "until", box=None, pad_edge=False)
    now = datetime.now(UTC)
    for run in runs:
        waiting = waits(run)
        until = f"in {duration((waiting.until - now).total_seconds())}" if waiting.until else ""
        since = duration((now - waiting.since).total_seconds())
        table.add_row(run.id, run.state.label, run.runbook, run.target, waiting.what, since, until)
    out.print(table, markup=False)


def _document(run: Run) -> dict[str, object]:
    waiting = waits(run)
    return {
        "run": run.id,
        "incident": run.incident,
        "state": run.state.value,
        "runbook": run.runbook or None,
        "target": run.target or None,
        "shard": run.shard or None,
        "alert": run.alert.name if run.alert else None,
        "requester": run.requester,
        "taken_by": run.taken.user if run.taken else None,
        "waits_for": waiting.what,
        "since": waiting.since.isoformat(),
        "until": waiting.until.isoformat() if waiting.until else None,
        "says": run.says,
        "seen_before": run.seen_before.says if run.seen_before else None,
    }
