"""The command that checks connections, versions and privileges on every server."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer
from rich.markup import escape

from bot.cli.progress_bar import host_bar
from bot.cli.terminal import MARKS, ConfigOption, JsonOption, configured, counted, err, out, print_json
from bot.config import Role, Shard
from bot.doctor.inspection import examine
from bot.doctor.instance_report import InstanceReport, ServiceReport
from bot.doctor.report import DoctorReport
from bot.doctor.statement_placement import PlacedStatements
from bot.doctor.user_privileges import ACTION_NOUNS, ACTIONS, UserReport, listed
from bot.errors import Exit
from bot.privileges.missing_privileges import BY_CHOICE, PermissionState

commands = typer.Typer()

OnlyOption = Annotated[list[str] | None, typer.Option("--only", help="Check this instance or shard only; repeatable.")]
NAMES = {
    "prometheus": "Prometheus",
    "alertmanager": "Alertmanager",
    "vtctld": "vtctld",
    "vtorc": "VTOrc",
    "vtgate": "vtgate",
}


@commands.command()
def doctor(config: ConfigOption = None, only: OnlyOption = None, as_json: JsonOption = False) -> None:
    """Checks every server as each configured user, and prints the GRANTs that are missing."""
    settings = configured(config)
    with host_bar("Checking the servers", visible=err.is_terminal) as progress:
        report = examine(settings, only or [], progress)
    if as_json:
        print_json(report.as_json())
    else:
        _show(report)
    if not report.ok:
        raise typer.Exit(Exit.FOUND)


def _show(report: DoctorReport) -> None:
    unhealthy = [shard for shard in report.shards if any(each.problems for each in report.of(shard))]
    for shard in (*unhealthy, *(each for each in report.shards if each not in unhealthy)):
        _shard(shard, report.of(shard))
    for service in sorted(report.services, key=lambda each: each.ok):
        _service(service)
    _statements("Missing privileges; run as an administrator:", report.grants)
    _statements("Excess privileges; run as an administrator:", report.revokes)
    _choices(report)
    _conclusion(report)


def _shard(shard: Shard, instances: tuple[InstanceReport, ...]) -> None:
    """Prints the servers of a shard; servers with the same result share a line."""
    out.print(f"[bold]{escape(shard.name)}[/]", highlight=False)
    groups: dict[tuple[object, ...], list[InstanceReport]] = {}
    for each in instances:
        groups.setdefault(_result(each), []).append(each)
    for group in sorted(groups.values(), key=lambda group: not group[0].problems):
        first = group[0]
        mark = MARKS["refuse" if first.problems else "pass"]
        names = listed(f"{each.name} (primary)" if _primary(each) else each.name for each in group)
        # The problem of an unreachable server already contains its address.
        about = _facts(first) if first.reachable else ""
        out.print(f"  {mark} {escape(names)}{': ' + about if about else ''}", highlight=False)
        for problem in _problems(first) if len(group) > 1 else first.problems:
            out.print(f"      {problem}", markup=False, highlight=False, style="red", soft_wrap=True)
        for user in first.users:
            if not user.problems:
                out.print(f"      {_permissions(user)}", markup=False, highlight=False, soft_wrap=True)
    if shard.changer is None:
        out.print(f"      {_read_only(shard.name)}", markup=False, highlight=False)


def _result(instance: InstanceReport) -> tuple[object, ...]:
    return (
        instance.reachable,
        instance.server,
        instance.tls,
        _problems(instance),
        tuple((user.account, user.permissions) for user in instance.users),
    )


def _problems(instance: InstanceReport) -> tuple[str, ...]:
    """Returns the problems without the server's address, so that equal problems of several servers compare equal."""
    host = instance.target.instance
    addresses = [instance.address, *([f"{host.host}:{host.spare_port}"] if host.spare_port else [])]
    problems = instance.problems
    for address in addresses:
        problems = tuple(each.replace(address, "it") for each in problems)
    return problems


def _primary(instance: InstanceReport) -> bool:
    return instance.target.instance.role is Role.PRIMARY


def _facts(instance: InstanceReport) -> str:
    if instance.version is None:
        return "no user can log in"
    if not instance.tls:
        return f"{instance.server}, no TLS"
    return f"{instance.server}, TLS{'' if instance.certificate_checked else ', certificate not verified'}"


def _permissions(user: UserReport) -> str:
    allowed = len(user.permissions) - len(user.in_state(PermissionState.BY_CHOICE))
    every = "all " if allowed == len(user.permissions) else ""
    says = f"The {user.kind} {user.account} may run {every}{allowed} {ACTION_NOUNS[user.kind]}"
    disabled = [each.action for each in user.in_state(PermissionState.BY_CHOICE)]
    says += f"; disabled by choice: {listed(disabled)}" if disabled else ""
    for each in user.in_state(PermissionState.SOMEWHERE):
        says += f"; {each.action} only on {listed(map(str, each.where))}"
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
            out.print("\n[bold]Disabled by choice[/]", highlight=False)
        says = " and ".join(f"{need} ({BY_CHOICE[need]})" for need in needs)
        out.print(f"  {action} needs {says}.", markup=False, highlight=False, soft_wrap=True)


def _conclusion(report: DoctorReport) -> None:
    bad = [each for each in report.instances if each.problems]
    failing = [each for each in report.services if not each.ok]
    out.print()
    if report.only_reads:
        out.print(_read_only("This deployment"), markup=False, highlight=False)
    if report.ok:
        out.print(f"{MARKS['pass']} {counted(len(report.instances), 'server')} checked: no problems.", highlight=False)
        return
    says = f"Servers with problems: {len(bad)} of {len(report.instances)}"
    says += f"; services with problems: {', '.join(NAMES[each.name] for each in failing)}" if failing else ""
    out.print(f"{MARKS['refuse']} {says}.", highlight=False)


def _read_only(subject: str) -> str:
    disabled = counted(len(ACTIONS["changer"]), "remediation")
    return f"{subject} is read-only by configuration (no `changer`): {disabled} are disabled."
