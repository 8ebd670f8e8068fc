"""The commands that read the audit log."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table

from bot.cli.terminal import ConfigOption, JsonOption, configured, counted, out, print_json
from bot.errors import Exit
from bot.store import audit_log
from bot.store.database import Database
from bot.store.open_database import open_database

commands = typer.Typer(
    no_args_is_help=True, help="The audit log, in which each row contains the hash of the row before it."
)


@commands.command()
def verify(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Verifies the hash chain; reports the first row that was changed, removed or moved."""
    database = open_database(configured(config), exclusive=False)
    with database.reading() as connection:
        rows, fault = audit_log.verify(audit_log.entries(connection))
    last = _last_hash(database)
    if as_json:
        print_json({"rows": rows, "last": last, "ok": fault is None, "fault": fault.says if fault else None})
    elif fault is None:
        out.print(
            f"[green]The hash chain is intact[/]: {counted(rows, 'row')}, last hash {last[:16]}.", highlight=False
        )
    else:
        out.print(
            f"[red]The hash chain is broken[/] after {counted(rows, 'row')}: {fault.says}. Compare the rows with your "
            "last copy from `firstmate audit export`.",
            highlight=False,
            soft_wrap=True,
        )
    if fault is not None:
        raise typer.Exit(Exit.FOUND)


@commands.command()
def show(
    config: ConfigOption = None,
    newest: Annotated[int, typer.Option("--newest", min=1, max=100_000, help="Number of rows.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Shows the newest rows, the oldest of them first; --json prints JSON Lines."""
    database = open_database(configured(config), exclusive=False)
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


@commands.command()
def export(
    config: ConfigOption = None,
    after: Annotated[int, typer.Option("--after", min=0, help="Only rows with a greater sequence number.")] = 0,
) -> None:
    """Prints all rows as JSON Lines, with the hashes that a later verification needs."""
    database = open_database(configured(config), exclusive=False)
    with database.reading() as connection:
        for row in audit_log.entries(connection, after=after):
            sys.stdout.write(json.dumps({**asdict(row), "data": json.loads(row.data)}) + "\n")


def _last_hash(database: Database) -> str:
    with database.reading() as connection:
        return next((row.hash for row in audit_log.entries(connection, newest=1)), audit_log.GENESIS)
