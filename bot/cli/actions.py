"""`firstmate actions`: the reference of all actions."""

from __future__ import annotations

import dataclasses
import sys
from typing import Annotated, Any

import typer
from rich.markdown import Markdown
from rich.table import Table

from bot.cli.terminal import READABLE, JsonOption, out, print_json
from bot.errors import WrongUsage
from bot.runbook.reference.action_reference import NAMES, ActionDescription, describe
from bot.runbook.reference.actions_page import page, section

commands = typer.Typer()


@commands.command()
def actions(
    name: Annotated[str | None, typer.Argument(help="An action, e.g. mysql.replica_status. Default: all.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, as in the documentation.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Shows the parameters, results, statements, privileges, and cost or risk of actions."""
    if markdown and as_json:
        raise WrongUsage("--markdown and --json contradict each other; use one of them.")
    found = [describe(each) for each in ([name] if name else NAMES)]
    if as_json:
        print_json({"actions": [_document(each) for each in found]})
    elif markdown:
        sys.stdout.write(section(found[0]) if name else page(found))
    elif name:
        out.print(Markdown(section(found[0])), width=min(out.width, READABLE))
    else:
        table = Table("action", "cost or risk", "summary", box=None, pad_edge=False)
        for each in found:
            table.add_row(each.name, (each.cost or each.risk).split(",")[0], each.first)
        out.print(table)


def _document(action: ActionDescription) -> dict[str, Any]:
    document: dict[str, Any] = dataclasses.asdict(action)
    document["needs"] = {flavour.value: list(grants) for flavour, grants in action.needs.items()}
    for key in ("asks", "changes", "undoes"):
        document[key] = [{"sql": each.text, "versions": list(map(str, each.versions))} for each in getattr(action, key)]
    return document
