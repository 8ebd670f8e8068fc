"""never-helped: it can never be seen whether the remedy of a cause has helped."""

from __future__ import annotations

from collections.abc import Iterator

from actions.catalog import DIAGNOSTICS
from bot.runbook.diagnosis.helped_criteria import COSTLY_EVERY, condition_steps
from bot.runbook.expressions.implication import condition
from bot.runbook.expressions.syntax import ExpressionError, syntax_tree
from bot.runbook.language.findings import Path, Problem
from bot.runbook.language.schema import Cause, Runbook
from bot.runbook.linting.analysis import Analysis
from bot.runbook.linting.rule import Rule, Severity

ID = "never-helped"


def check(analysis: Analysis) -> Iterator[Problem]:
    """Looks at each cause with a remedy: what its condition of `helped`, or by default its own, can read afterwards."""
    runbook = analysis.runbook
    for number, cause in enumerate(runbook.causes):
        if not cause.remedies:
            continue
        declared = cause.helped.when if cause.helped is not None else None
        path: Path = ("causes", number, *(("helped", "when") if declared else ("when",)))
        try:
            message, suggestion = _never(runbook, cause)
        except ExpressionError:
            continue  # expression-syntax reports it
        if message:
            yield Problem(path, message, ID, suggestion)


def _never(runbook: Runbook, cause: Cause) -> tuple[str, str]:
    """Returns why it can never be seen that the remedy has helped, and what to do; two empty texts if it can."""
    declared = cause.helped.when if cause.helped is not None else None
    read = {name: runbook.gather[name] for name in condition_steps(runbook, cause)}
    own = "set `helped.when` to a condition on evidence"
    if not read:
        return f"The condition reads no evidence, so it can never be seen whether {_remedy(cause)} has helped", own
    if declared is not None and condition(syntax_tree(declared), lambda _: None).contradicts_itself:
        return f"The condition contradicts itself, so {_remedy(cause)} can never be seen to have helped", ""
    if declared is not None and all(step.when is not None for step in read.values()):
        names = " and ".join(sorted(read))
        return (
            f"Every step that the condition reads has a `when` ({names}); once the trouble is gone, none may run, and "
            f"it can never be seen whether {_remedy(cause)} has helped",
            "read a step without `when` first",
        )
    ungated = [name for name, step in read.items() if _once_a_minute(step.use)]
    within = cause.helped.within if cause.helped is not None else None
    if ungated and (within is None or within < COSTLY_EVERY):
        use = read[ungated[0]].use
        return (
            f"A server answers {use} at most once a minute, so it can never be seen in time whether {_remedy(cause)} "
            "has helped",
            f"set `helped.within` to {COSTLY_EVERY:g}s or more",
        )
    return "", ""


def _remedy(cause: Cause) -> str:
    return f"the remedy {cause.remedies[0]!r}"


def _once_a_minute(use: str) -> bool:
    declared = DIAGNOSTICS.get(use)
    return declared is not None and declared.costly and not declared.gated


RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="It can never be seen whether the remedy of a cause has helped.",
    passing="""\
gather:
  replica: mysql.replica_status
causes:
  - id: stopped
    when: replica.applier_running == "No"
    says: The applier has stopped.
    helped: {when: 'replica.applier_running == "Yes"', holds_for: 30s}
    remedy: start
remedies:
  start: {use: mysql.start_replica, with: {thread: applier}}
tests:
  - given: {replica: {applier_running: "No"}}
    expect: {cause: stopped, remedy: start}
""",
    failing="""\
gather:
  replica: mysql.replica_status
causes:
  - id: stopped
    when: replica.applier_running == "No"
    says: The applier has stopped.
    helped: {when: 'target.role == "replica"', holds_for: 30s}
    remedy: start
remedies:
  start: {use: mysql.start_replica, with: {thread: applier}}
tests:
  - given: {replica: {applier_running: "No"}}
    expect: {cause: stopped, remedy: start}
""",
    check=check,
)
