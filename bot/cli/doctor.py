"""The command that tells whether Firstmate may do on every server what it is for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer
from rich.markup import escape

from bot.cli.terminal import MARKS, ConfigOption, JsonOption, configured, err, out, print_json
from bot.config import Config, Role, Shard
from bot.doctor.inspection import examine
from bot.doctor.instance_report import InstanceReport, ServiceReport
from bot.doctor.report import DoctorReport
from bot.doctor.statement_placement import PlacedStatements
from bot.doctor.user_privileges import ACTION_NOUNS, ACTIONS, UserReport, listed
from bot.errors import Exit
from bot.lab.progress import Bar
from bot.privileges.requirements import BY_CHOICE, PermissionState

commands = typer.Typer()

OnlyOption = Annotated[
    list[str] | None, typer.Option("--only", help="An instance or a shard; may stand several times.")
]
NAMES = {
    "prometheus": "Prometheus",
    "alertmanager": "Alertmanager",
    "vtctld": "vtctld",
    "vtorc": "VTOrc",
    "vtgate": "vtgate",
}


@commands.command()
def doctor(config: ConfigOption = None, only: OnlyOption = None, as_json: JsonOption = False) -> None:
    """Connects to every server as each user, and tells what it may not do, with the GRANTs that are missing."""
    report = _examined(configured(config), only or [], bar=err.is_terminal)
    if as_json:
        print_json(report.as_json())
    else:
        _show(report)
    if not report.ok:
        raise typer.Exit(Exit.FOUND)


def _examined(config: Config, only: list[str], *, bar: bool) -> DoctorReport:
    if not bar:
        return examine(config, only)
    with Bar() as shown:
        return examine(config, only, lambda done, of: shown.step("Asking the servers", done / max(1, of)))


def _show(report: DoctorReport) -> None:
    sick = [shard for shard in report.shards if any(each.problems for each in report.of(shard))]
    for shard in (*sick, *(each for each in report.shards if each not in sick)):
        _shard(shard, report.of(shard))
    for service in sorted(report.services, key=lambda each: each.ok):
        _service(service)
    _statements("Missing, to be run as an administrator:", report.grants)
    _statements("Too much, to be taken away as an administrator:", report.revokes)
    _choices(report)
    _verdict(report)


def _shard(shard: Shard, instances: tuple[InstanceReport, ...]) -> None:
    """The servers of a shard; those of which the same is to be said stand in one line."""
    out.print(f"[bold]{escape(shard.name)}[/]", highlight=False)
    alike: dict[tuple[object, ...], list[InstanceReport]] = {}
    for each in instances:
        alike.setdefault(_said(each), []).append(each)
    for group in sorted(alike.values(), key=lambda group: not group[0].problems):
        first = group[0]
        mark = MARKS["refuse" if first.problems else "pass"]
        names = listed(f"{each.name} (primary)" if _primary(each) else each.name for each in group)
        # The sentence of a server that is not there says where it is.
        about = _facts(first) if first.reachable else ""
        out.print(f"  {mark} {escape(names)}{': ' + about if about else ''}", highlight=False)
        for problem in _problems(first) if len(group) > 1 else first.problems:
            out.print(f"      {problem}", markup=False, highlight=False, style="red", soft_wrap=True)
        for user in first.users:
            if not user.problems:
                out.print(f"      {_may(user)}", markup=False, highlight=False, soft_wrap=True)
    if shard.changer is None:
        out.print(f"      {_only_reads(shard.name)}", markup=False, highlight=False)


def _said(instance: InstanceReport) -> tuple[object, ...]:
    return (
        instance.reachable,
        instance.server,
        instance.tls,
        _problems(instance),
        tuple((user.account, user.permissions) for user in instance.users),
    )


def _problems(instance: InstanceReport) -> tuple[str, ...]:
    """What is wrong, without the address, so that it can be said of several servers at once."""
    host = instance.target.instance
    addresses = [instance.address, *([f"{host.host}:{host.spare_port}"] if host.spare_port else [])]
    found = instance.problems
    for address in addresses:
        found = tuple(each.replace(address, "it") for each in found)
    return found


def _primary(instance: InstanceReport) -> bool:
    return instance.target.instance.role is Role.PRIMARY


def _facts(instance: InstanceReport) -> str:
    if instance.version is None:
        return "it lets no user in"
    if not instance.tls:
        return f"{instance.server}, no TLS"
    return f"{instance.server}, TLS{'' if instance.certificate_checked else ', certificate not checked'}"


def _may(user: UserReport) -> str:
    on = len(user.permissions) - len(user.in_state(PermissionState.BY_CHOICE))
    whole = on == len(user.permissions)
    says = f"The {user.kind} {user.account} may run {'all ' if whole else ''}{on} {ACTION_NOUNS[user.kind]}"
    off = [each.action for each in user.in_state(PermissionState.BY_CHOICE)]
    says += f"; off by choice: {listed(off)}" if off else ""
    for each in user.in_state(PermissionState.SOMEWHERE):
        says += f"; {each.action} on {listed(map(str, each.where))} alone"
    return f"{says}."


def _service(service: ServiceReport) -> None:
    mark = MARKS["pass"] if service.url and service.ok else MARKS["ask" if service.ok else "refuse"]
    says = service.says or f"answers at {service.url}"
    out.print(f"{mark} [bold]{NAMES[service.name]}[/]: {escape(says)}", highlight=False, soft_wrap=True)


def _statements(title: str, runs: Iterable[PlacedStatements]) -> None:
    for number, run in enumerate(runs):
        if number == 0:
            out.print(f"\n[bold]{title}[/]", highlight=False)
        out.print(f"-- {run.says}", markup=False, highlight=False, style="dim", soft_wrap=True)
        for statement in run.statements:
            out.print(f"{statement};", markup=False, highlight=False, soft_wrap=True)


def _choices(report: DoctorReport) -> None:
    for number, (action, needs) in enumerate(report.by_choice().items()):
        if number == 0:
            out.print("\n[bold]Off by choice[/]", highlight=False)
        says = " and ".join(f"{need} ({BY_CHOICE[need]})" for need in needs)
        out.print(f"  {action} needs {says}.", markup=False, highlight=False, soft_wrap=True)


def _verdict(report: DoctorReport) -> None:
    bad = [each for each in report.instances if each.problems]
    silent = [each for each in report.services if not each.ok]
    out.print()
    if report.only_reads:
        out.print(_only_reads("This deployment"), markup=False, highlight=False)
    if report.ok:
        out.print(f"{MARKS['pass']} All {len(report.instances)} servers are in order.", highlight=False)
        return
    says = f"Something is wrong with {len(bad)} of {len(report.instances)} servers"
    says += f", and with {' and '.join(NAMES[each.name] for each in silent)}" if silent else ""
    out.print(f"{MARKS['refuse']} {says}.", highlight=False)


def _only_reads(who: str) -> str:
    return f"{who} only reads: {len(ACTIONS['changer'])} remediations are off."
