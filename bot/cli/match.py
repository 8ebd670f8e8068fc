"""`firstmate match`: the runbook for an alert."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlencode

import typer
from rich.markup import escape
from rich.table import Table

from bot.alerts import Alert, AlertStatus, parse_labels
from bot.cli.terminal import JsonOption, RunbooksOption, library, out, print_json
from bot.errors import Exit
from bot.runbook.matching.match import Tie, choose, explain

commands = typer.Typer()


@commands.command()
def match(
    labels: Annotated[str, typer.Option("--labels", help="The labels of the alert: alertname=...,instance=....")],
    annotations: Annotated[
        str, typer.Option("--annotations", help="The annotations of the alert: summary=...,description=....")
    ] = "",
    expression: Annotated[str, typer.Option("--expr", help="The PromQL expression of the alert.")] = "",
    config: RunbooksOption = None,
    as_json: JsonOption = False,
) -> None:
    """Shows which runbook matches an alert, and explains for every runbook why it matches or not."""
    url = f"http://prometheus/graph?{_query(expression)}" if expression else ""
    alert = Alert(
        labels=parse_labels(labels),
        status=AlertStatus.FIRING,
        starts_at=datetime.now(UTC),
        annotations=parse_labels(annotations) if annotations else {},
        generator_url=url,
    )
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
                    {
                        "runbook": each.runbook.runbook,
                        "matched": each.matches,
                        "specificity": each.specificity if each.matches else None,
                        "says": each.says,
                    }
                    for each in explanations
                ],
            }
        )
    else:
        table = Table("runbook", "matches", "reason", box=None, pad_edge=False)
        for each in explanations:
            here = each.runbook.runbook
            mark = "[bold green]chosen" if here == name else "yes" if each.matches else "[dim]no"
            table.add_row(here, mark, escape(each.says))
        out.print(table)
    if name is None:
        raise typer.Exit(Exit.FOUND)


def _query(expression: str) -> str:
    return urlencode({"g0.expr": expression})
