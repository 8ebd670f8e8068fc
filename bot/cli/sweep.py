"""The command that runs one diagnostic on many instances and groups equal results."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bot.cli.progress_bar import host_bar
from bot.cli.terminal import ConfigOption, JsonOption, configured, counted, err, out, print_json, yaml_values
from bot.engine.gather_evidence import as_json as evidence_as_json
from bot.engine.instance_selector import select, selection_of
from bot.engine.sweep.comparison import Kin, Range, Summary, named, summarised
from bot.engine.sweep.run_sweep import Sweeps, Swept, sweepable
from bot.errors import Exit
from bot.fleet.configured_fleet import ConfiguredFleet

commands = typer.Typer()


@commands.command()
def sweep(
    diagnostic: Annotated[
        str, typer.Argument(help="A diagnostic that queries the instances, for example mysql.replica_status.")
    ],
    on: Annotated[str, typer.Option("--on", help="The instances: for example role=replica,shard=orders*, or all.")],
    given: Annotated[list[str] | None, typer.Option("--with", help="A parameter as NAME=VALUE; repeatable.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Runs a diagnostic on many instances at once and groups equal results; changes nothing."""
    parameters = yaml_values(given or [], "--with older_than=30s")
    sweepable(diagnostic, parameters, 0)
    fleet = ConfiguredFleet(configured(config))
    targets = select(on, fleet.targets())
    with host_bar(f"{diagnostic} on {on}", visible=not as_json and err.is_terminal) as progress:
        swept = Sweeps(fleet).sweep(diagnostic, targets, parameters, progress)
    summary = summarised(swept.answers)
    if as_json:
        print_json(_document(str(selection_of(on)), swept, summary))
    else:
        _show(swept, summary)
    if not summary.alike:
        raise typer.Exit(Exit.FOUND)


def _show(swept: Swept, summary: Summary) -> None:
    out.print(f"[bold]{swept.diagnostic}[/]: {summary.says}  ({swept.took:.1f} s)", highlight=False)
    for kin in summary.kin:
        _print(kin.name, style="bold")
        for number, group in enumerate(kin.groups):
            if number == 0:
                largest = " (largest group)" if len(kin.groups) > 1 else ""
                _print(f"  {counted(len(group.hosts), 'instance')}{largest}: {group.seen or 'no values'}")
            else:
                differ = f"{counted(len(group.hosts), 'instance')} {'differs' if len(group.hosts) == 1 else 'differ'}"
                _print(f"  {differ}: {'; '.join(each.says for each in group.differs)}", "yellow")
                _print(f"      {named(group.hosts)}")
            for each in group.ranges:
                if each.strays:
                    _print(f"      outliers: {each.strays}", "yellow")
    for silence in summary.silent:
        _print(f"{counted(len(silence.hosts), 'instance')} did not respond: {silence.reason}", "red")
        _print(f"      {named(silence.hosts)}")


def _print(text: str, style: str = "") -> None:
    out.print(text, style=style or None, markup=False, highlight=False, soft_wrap=True)


def _document(on: str, swept: Swept, summary: Summary) -> dict[str, Any]:
    return {
        "diagnostic": swept.diagnostic,
        "on": on,
        "asked": summary.asked,
        "took": round(swept.took, 3),
        "alike": summary.alike,
        "says": summary.says,
        "compared": [_kin(each) for each in summary.kin],
        "no_answer": [{"reason": each.reason, "hosts": list(each.hosts)} for each in summary.silent],
        "evidence": {each.target.name: evidence_as_json(each.evidence) for each in swept.answers if not each.missing},
        "missing": {each.target.name: each.missing for each in swept.answers if each.missing},
    }


def _kin(kin: Kin) -> dict[str, Any]:
    groups = [
        {
            "hosts": list(group.hosts),
            "usual": number == 0,
            "facts": dict(group.facts),
            "differs": [{"field": d.field, "value": d.value, "usual": d.usual} for d in group.differs],
            "ranges": [_range(each) for each in group.ranges],
        }
        for number, group in enumerate(kin.groups)
    ]
    return {"flavour": kin.flavour, "role": kin.role, "groups": groups}


def _range(of: Range) -> dict[str, Any]:
    return {
        "field": of.field,
        "unit": of.unit.value if of.unit else None,
        "least": of.least,
        "median": of.median,
        "most": of.most,
        "outliers": [{"host": each.host, "value": each.value} for each in of.outliers],
    }
