"""The commands `firstmate demo` and `firstmate lab`: the one module of the command line that imports the lab."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from bot.cli.lab_help import DEMO_HELP, LAB_HELP, require_packages
from bot.cli.terminal import JsonOption, out, print_json
from bot.errors import Exit
from bot.lab import demo as lab_demo
from bot.lab.fault_injection.fault_alerts import send_alert
from bot.lab.fault_injection.fault_file import known
from bot.lab.fault_injection.inject import fix_fault, inject_fault
from bot.lab.lab_state import LabState
from bot.lab.lab_status import lab_status
from bot.lab.lab_up_and_down import bring_up, tear_down
from bot.lab.progress import NoProgress, ProgressBar
from bot.lab_location import FOLDER

LAB_FOLDER = Path(FOLDER)
FAULT_NAMES = "Name of the fault; `firstmate lab faults` lists all."

commands = typer.Typer()
lab_commands = typer.Typer(no_args_is_help=True)


@commands.command(help=DEMO_HELP)
def demo(
    once: Annotated[bool, typer.Option("--once", help="Approve without a person, then stop everything.")] = False,
    vitess: Annotated[bool, typer.Option("--vitess", help="Break a shard of a Vitess cluster instead.")] = False,
    as_json: JsonOption = False,
) -> None:
    require_packages()
    scenario = lab_demo.SCHEMA_CHANGE if vitess else lab_demo.REPLICATION
    raise typer.Exit(lab_demo.run_unattended(scenario, as_json=as_json) if once else lab_demo.run_interactive(scenario))


@lab_commands.callback(help=LAB_HELP)
def _lab() -> None:
    require_packages()


@lab_commands.command()
def up(
    vitess: Annotated[
        bool,
        typer.Option("--vitess", help="Start a Vitess cluster of two shards; the first start builds its programs."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Starts the lab in ./.lab; a lab that is already up is left unchanged."""
    if as_json:
        print_json(bring_up(LAB_FOLDER, progress=NoProgress(), vitess=vitess).as_json())
        return
    with ProgressBar() as bar:
        state = bring_up(LAB_FOLDER, progress=bar, vitess=vitess)
    _show(state)


@lab_commands.command()
def status(as_json: JsonOption = False) -> None:
    """Shows whether the lab is up, and which of its processes are not running."""
    found = lab_status(LAB_FOLDER)
    if as_json:
        state = found.state.as_json() if found.state else {}
        print_json(
            {"condition": found.condition, "missing": list(found.missing), "faults": list(found.faults), **state}
        )
    else:
        out.print(f"The lab is [bold]{CONDITIONS[found.condition]}[/].", highlight=False)
        for problem in found.missing:
            out.print(f"  {problem}", markup=False)
        for fault in found.faults:
            out.print(f"  The fault {fault} is in place; undo it with firstmate lab fix {fault}.", markup=False)
        if found.state is not None and found.condition == "up":
            _show(found.state)
    if found.condition != "up":
        raise typer.Exit(Exit.FOUND)


CONDITIONS = {"up": "up", "down": "down", "half": "only partly up"}


@lab_commands.command()
def down(as_json: JsonOption = False) -> None:
    """Stops every process that `firstmate lab up` started, and no other; removes the lab's databases."""
    ended = tear_down(LAB_FOLDER)
    if as_json:
        print_json({"ended": len(ended)})
    else:
        out.print(
            f"Stopped {len(ended)} process{'' if len(ended) == 1 else 'es'}." if ended else "No lab was running here.",
            highlight=False,
        )


@lab_commands.command("break")
def break_command(
    name: Annotated[str, typer.Argument(help=FAULT_NAMES, metavar="FAULT")], as_json: JsonOption = False
) -> None:
    """Injects a fault on a server of the lab, and lets its alert fire."""
    fault = inject_fault(LAB_FOLDER, name)
    send_alert(LAB_FOLDER, fault)
    if as_json:
        print_json({"fault": fault.name, "instance": fault.instance, "alert": fault.alert, "says": fault.says})
    else:
        out.print(f"{fault.instance}: {fault.says}. The alert {fault.alert} fires within seconds.", markup=False)


@lab_commands.command("faults")
def faults_command(as_json: JsonOption = False) -> None:
    """Lists the faults that `firstmate lab break` injects; those of a Vitess cluster while the lab runs one."""
    state = lab_status(LAB_FOLDER).state
    found = known(vitess=state is not None and state.vitess is not None)
    if as_json:
        rows = ({"fault": f.name, "instance": f.instance, "alert": f.alert, "says": f.says} for f in found.values())
        print_json({"faults": list(rows)})
        return
    table = Table("fault", "instance", "what goes wrong", box=None, pad_edge=False)
    for fault in found.values():
        table.add_row(fault.name, fault.instance, escape(fault.says))
    out.print(table)


@lab_commands.command("fix")
def fix_command(
    name: Annotated[str, typer.Argument(help="Name of the fault that `lab break` injected.", metavar="FAULT")],
    as_json: JsonOption = False,
) -> None:
    """Undoes what `firstmate lab break` injected, and ends its alert."""
    fault = fix_fault(LAB_FOLDER, name)
    send_alert(LAB_FOLDER, fault, ended=True)
    if as_json:
        print_json({"fault": fault.name, "instance": fault.instance})
    else:
        out.print(f"{fault.instance} is healthy again.", markup=False)


def _show(state: LabState) -> None:
    width = max(10, *(len(instance.name) for instance in state.instances))
    for instance in state.instances:
        source = f" of {instance.source}" if instance.source else ""
        version = f"{instance.flavour} {instance.version}"
        line = f"  {instance.name:<{width}} {instance.address:<18} {version:<17} {instance.role}{source}"
        out.print(line, markup=False, soft_wrap=True)
    for name, url in _urls(state).items():
        out.print(f"  {name:<12} {url}", markup=False, highlight=False)


def _urls(state: LabState) -> dict[str, str]:
    """Returns the addresses of the lab's services by name."""
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


commands.add_typer(lab_commands, name="lab")
