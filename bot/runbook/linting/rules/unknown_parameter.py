"""unknown-parameter: an argument is given for a parameter that the action does not have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bot.runbook.language.findings import Path, Problem
from bot.runbook.language.schema import Runbook
from bot.runbook.language.signatures import UnknownAction, of_remediation, suggestion_for
from bot.runbook.language.tests_schema import Expect
from bot.runbook.linting.analysis import Analysis
from bot.runbook.linting.rule import Rule, Severity

ID = "unknown-parameter"


def check(analysis: Analysis) -> Iterator[Problem]:
    """Compares `with` of steps, remedies and tests with the parameters of the action."""
    for use in analysis.uses:
        yield from _unknown((*use.path, "with"), use.action, use.parameters, use.signature.parameters)
    for number, test in enumerate(analysis.runbook.tests):
        yield from _in_test(("tests", number, "expect", "with"), analysis.runbook, test.expect)


def _in_test(path: Path, runbook: Runbook, expected: Expect) -> Iterator[Problem]:
    """`with` of a test refers to the first action of the first remedy."""
    remedy = runbook.remedies.get(expected.remedies[0]) if expected.remedies else None
    action = next((step.use for step in remedy.each_step if step.use is not None), None) if remedy else None
    if action is None:
        return
    try:
        declared = of_remediation(action).parameters
    except UnknownAction:
        return  # unknown-action reports it
    yield from _unknown(path, action, expected.parameters or (), declared)


def _unknown(path: Path, action: str, names: Iterable[str], declared: Mapping[str, Any]) -> Iterator[Problem]:
    for name in names:
        if name not in declared:
            suggestion = suggestion_for(name, declared)
            listed = "" if suggestion else f"; its parameters are {', '.join(sorted(declared)) or 'none'}"
            message = f"{action} has no parameter {name!r}{listed}"
            yield Problem((*path, name), message, ID, suggestion, on_key=True)


RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="An argument is given for a parameter that the action does not have.",
    passing="""\
gather:
  replica: mysql.replica_status
causes:
  - id: broken
    when: replica.configured
    says: Replication is broken.
    remedy: repair
remedies:
  repair: {use: mysql.start_replica, with: {thread: applier}}
tests:
  - given: {replica: {configured: true}}
    expect: {cause: broken, remedy: repair}
""",
    failing="""\
gather:
  replica: mysql.replica_status
causes:
  - id: broken
    when: replica.configured
    says: Replication is broken.
    remedy: repair
remedies:
  repair: {use: mysql.start_replica, with: {thred: applier}}
tests:
  - given: {replica: {configured: true}}
    expect: {cause: broken, remedy: repair}
""",
    check=check,
)
