"""The commands `firstmate lab up | status | down | break | fix`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bot.errors import Exit
from bot.lab import lab
from bot.lab.fault.alerts import tell
from bot.lab.fault.break_and_mend import break_, fix
from bot.lab.fault.model import faults, known
from bot.lab.progress import Bar, Silent
from bot.lab.state import LabState
from bot.lab.status import status as lab_status
from bot.lab_location import FOLDER as FOLDER_NAME

app = typer.Typer(no_args_is_help=True)
out = Console()

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
FOLDER = Path(FOLDER_NAME)
FAULTS = f"{', '.join(faults())}; of the Vitess lab: {', '.join(known(vitess=True))}"


@app.command()
def up(
    vitess: Annotated[
        bool, typer.Option("--vitess", help="A Vitess cluster of two shards; its programs are built on first use.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Starts the lab in .lab of this folder; a lab that is up is left as it is."""
    if as_json:
        _print_json(lab.bring_up(FOLDER, progress=Silent(), vitess=vitess).as_json())
        return
    with Bar() as bar:
        state = lab.bring_up(FOLDER, progress=bar, vitess=vitess)
    _show(state)


@app.command()
def status(as_json: JsonOption = False) -> None:
    """Tells whether the lab is up, and what of it does not run."""
    found = lab_status(FOLDER)
    if as_json:
        state = found.state.as_json() if found.state else {}
        _print_json({"condition": found.condition, "missing": list(found.missing), **state})
    else:
        out.print(f"The lab is [bold]{found.condition}[/].", highlight=False)
        for problem in found.missing:
            out.print(f"  {problem}", markup=False)
        if found.state is not None and found.condition == "up":
            _show(found.state)
    if found.condition != "up":
        raise typer.Exit(Exit.FOUND)


@app.command()
def down(as_json: JsonOption = False) -> None:
    """Ends everything that `up` started, and nothing else."""
    ended = lab.tear_down(FOLDER)
    if as_json:
        _print_json({"ended": len(ended)})
    else:
        out.print(f"Ended {len(ended)} processes." if ended else "Nothing of the lab was running.", highlight=False)


@app.command("break")
def break_command(name: Annotated[str, typer.Argument(help=FAULTS)], as_json: JsonOption = False) -> None:
    """Breaks something for real, and lets its alert fire."""
    fault = break_(FOLDER, name)
    tell(FOLDER, fault)
    if as_json:
        _print_json({"fault": fault.name, "instance": fault.instance, "alert": fault.alert, "says": fault.says})
    else:
        out.print(f"{fault.instance}: {fault.says}. {fault.alert} fires soon.", markup=False)


@app.command("fix")
def fix_command(name: Annotated[str, typer.Argument(help=FAULTS)], as_json: JsonOption = False) -> None:
    """Mends what `break` broke, and ends its alert."""
    fault = fix(FOLDER, name)
    tell(FOLDER, fault, over=True)
    if as_json:
        _print_json({"fault": fault.name, "instance": fault.instance})
    else:
        out.print(f"{fault.instance} is mended.", markup=False)


def _show(state: LabState) -> None:
    width = max(10, *(len(instance.name) for instance in state.instances))
    for instance in state.instances:
        follows = f" follows {instance.source}" if instance.source else ""
        version = f"{instance.flavour} {instance.version}"
        line = f"  {instance.name:<{width}} {instance.address:<18} {version:<17} {instance.role}{follows}"
        out.print(line, markup=False, soft_wrap=True)
    for name, url in _urls(state).items():
        out.print(f"  {name:<12} {url}", markup=False, highlight=False)


def _urls(state: LabState) -> dict[str, str]:
    """The addresses of the lab by name."""
    urls = state.urls
    vitess = state.vitess
    return {
        "prometheus": urls.prometheus,
        "alertmanager": urls.alertmanager,
        "webhook": urls.webhook,
        "workspace": urls.workspace,
        **({"vtctld": vitess.vtctld_url, "vtorc": vitess.vtorc, "vtgate": vitess.vtgate} if vitess else {}),
        **({"vtgate mysql": vitess.vtgate_mysql} if vitess else {}),
    }


def _print_json(document: object) -> None:
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
