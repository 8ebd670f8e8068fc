"""The command that tells which runbook answers an alert."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlencode

import typer
from rich.markup import escape
from rich.table import Table

from bot.alerts import Alert, AlertStatus
from bot.cli.terminal import ConfigOption, JsonOption, library, out, print_json
from bot.errors import Exit, WrongUsage
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
    alert = Alert(labels=_labels(labels), status=AlertStatus.FIRING, starts_at=datetime.now(UTC), generator_url=url)
    runbooks = library(config)
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
