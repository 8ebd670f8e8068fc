"""The commands for policy.yml: lint it, and explain the result of every guard for one action."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from bot import shell_run as oneshot
from bot.cli.finding_printer import show
from bot.cli.terminal import MARKS, ConfigOption, JsonOption, configured, out, print_json, yaml_values
from bot.engine.guard_explanation import Explained
from bot.engine.run_json import plan_as_json
from bot.errors import Exit, WrongUsage
from bot.guards import refusal, title
from bot.lab_location import lab_config
from bot.policy import read_policy
from bot.policy_lint import lint_policy
from bot.runbook.linting.lint_files import LintReport
from bot.runbook.linting.report_formats import as_json as report_as_json
from bot.runbook.linting.rule import Severity

commands = typer.Typer(no_args_is_help=True, help="policy.yml: what may be changed, how much, how often and when.")


@commands.command()
def lint(
    path: Annotated[
        Path | None, typer.Argument(help="Path of the policy. Default: the one that the configuration names.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for warnings as well.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Checks a policy: unknown keys, wrong values, freezes in the past and unknown shards."""
    settings = configured(config) if config or lab_config(Path.cwd()) or path is None else None
    named = path or (settings.policy if settings else None)
    if named is None:
        raise WrongUsage("The configuration names no policy, so the defaults apply; name the file to check.")
    document = read_policy(named)
    shards = [shard.name for shard in settings.shards] if settings else []
    findings = tuple(lint_policy(document, shards, datetime.now(UTC)))
    report = LintReport(findings, {str(named): document.text}, 1)
    if as_json:
        print_json(report_as_json(report))
    else:
        show(report, "policy")
    if report.count(Severity.ERROR) or (strict and findings):
        raise typer.Exit(Exit.FOUND)


@commands.command()
def explain(
    user: Annotated[str, typer.Option("--user", help="Slack ID of the requester.")],
    action: Annotated[str, typer.Option("--action", help="A remediation, for example mysql.start_replica.")],
    target: Annotated[str, typer.Option("--target", help="Name or address of the instance.")],
    given: Annotated[list[str] | None, typer.Option("--with", help="A parameter as NAME=VALUE; repeatable.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Shows the result of every guard if this user requested this action now; changes nothing."""
    found = oneshot.explain(configured(config), user, action, target, yaml_values(given or [], "--with thread=applier"))
    if as_json:
        print_json(_document(found))
    else:
        _show(found)
    if refusal(found.verdicts) is not None:
        raise typer.Exit(Exit.FOUND)


def _document(found: Explained) -> dict[str, object]:
    refused = refusal(found.verdicts)
    return {
        "plan": plan_as_json(found.plan),
        "guards": [{"guard": v.guard, "answer": v.answer.value, "says": v.says} for v in found.verdicts],
        "refused": refused.guard if refused else None,
        "approvals_needed": found.approvals_needed,
        "may_approve": found.may_approve,
        "approver_says": found.approver_says,
    }


def _show(found: Explained) -> None:
    plan = found.plan
    out.print(f"[bold]{plan.title}[/] on {', '.join(plan.targets)} ({plan.blast_radius}, {plan.risk})", highlight=False)
    for statement in plan.statements:
        out.print(f"    {statement}", markup=False, highlight=False)
    for verdict in found.verdicts:
        out.print(f"  {MARKS[verdict.answer.value]} {title(verdict.guard)}: {escape(verdict.says)}", highlight=False)
    out.print(f"  Approvals needed: {found.approvals_needed}, from people other than the requester.", highlight=False)
    mark, answer = (MARKS["pass"], "yes") if found.may_approve else (MARKS["refuse"], "no")
    out.print(
        f"  {mark} Could this user approve the same action for another requester: {answer}. "
        f"{escape(found.approver_says)}",
        highlight=False,
    )
