"""test-of-nothing: a test names a step, input, cause or remedy that the runbook does not define."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bot.runbook.language.findings import Path, Problem
from bot.runbook.language.schema import Runbook
from bot.runbook.language.signatures import suggestion_for
from bot.runbook.language.tests_schema import Expect
from bot.runbook.linting.analysis import Analysis
from bot.runbook.linting.rule import Rule, Severity

ID = "test-of-nothing"


def check(analysis: Analysis) -> Iterator[Problem]:
    """Looks up every name in `given`, `missing`, `inputs` and `expect` of a test."""
    runbook = analysis.runbook
    for number, test in enumerate(runbook.tests):
        path: Path = ("tests", number)
        yield from _unknown_keys((*path, "given"), "step", test.given, runbook.gather)
        yield from _unknown_items((*path, "missing"), "step", test.missing, runbook.gather)
        yield from _unknown_keys((*path, "inputs"), "input", test.inputs, runbook.inputs)
        yield from _in_expect((*path, "expect"), runbook, test.expect)


def _in_expect(path: Path, runbook: Runbook, expected: Expect) -> Iterator[Problem]:
    causes = [cause.id for cause in runbook.causes]
    if expected.cause is not None and expected.cause not in causes:
        yield _unknown((*path, "cause"), "cause", expected.cause, causes)
    yield from _unknown_items((*path, "causes"), "cause", expected.causes or (), causes)
    yield from _unknown_items((*path, "undecided"), "cause", expected.undecided or (), causes)
    yield from _unknown_items((*path, "remedy"), "remedy", expected.remedies, runbook.remedies)


def _unknown_keys(path: Path, kind: str, keys: Iterable[str], defined: Iterable[str]) -> Iterator[Problem]:
    known = set(defined)
    for key in keys:
        if key not in known:
            yield _unknown((*path, key), kind, key, known, on_key=True)


def _unknown_items(path: Path, kind: str, names: Iterable[str], defined: Iterable[str]) -> Iterator[Problem]:
    known = set(defined)
    for index, name in enumerate(names):
        if name not in known:
            yield _unknown((*path, index), kind, name, known)


def _unknown(path: Path, kind: str, name: str, defined: Iterable[str], *, on_key: bool = False) -> Problem:
    return Problem(path, f"Unknown {kind} {name!r}", ID, suggestion_for(name, sorted(defined)), on_key=on_key)


RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="A test names a step, input, cause or remedy that the runbook does not define.",
    passing="""\
gather:
  replica: mysql.replica_status
causes:
  - id: broken
    when: replica.configured
    says: Replication is broken.
tests:
  - given: {replica: {configured: true}}
    expect: {cause: broken}
""",
    failing="""\
gather:
  replica: mysql.replica_status
causes:
  - id: broken
    when: replica.configured
    says: Replication is broken.
tests:
  - given: {replica: {configured: true}}
    expect: {cause: broken}
  - given: {replika: {configured: true}}
    expect: {cause: null}
""",
    check=check,
)
