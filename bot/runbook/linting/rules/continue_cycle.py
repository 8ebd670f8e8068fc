"""continue-cycle: causes of runbooks go on with one another in a cycle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bot.runbook.language.findings import Problem
from bot.runbook.language.schema import Runbook
from bot.runbook.linting.rule import Rule, RunbookFile, Severity

ID = "continue-cycle"


def check_library(files: Sequence[RunbookFile], known: Mapping[str, Runbook]) -> Iterator[tuple[RunbookFile, Problem]]:
    """Follows `continue` of every cause until no runbook is left, or until it returns to the runbook of the cause."""
    for file in files:
        for number, cause in enumerate(file.runbook.causes):
            way = _way_back(cause.continues, file.runbook.runbook, known)
            if way:
                message = f"Cause {cause.id!r} goes on in a cycle: {' -> '.join((file.runbook.runbook, *way))}"
                suggestion = "end the chain in the runbook that names the cause"
                yield file, Problem(("causes", number, "continue"), message, ID, suggestion)


def _way_back(begun: str, goal: str, known: Mapping[str, Runbook]) -> tuple[str, ...]:
    """Returns the shortest chain of runbooks from `begun` to `goal`; empty if there is none."""
    ways: list[tuple[str, ...]] = [(begun,)] if begun else []
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        if way[-1] == goal:
            return way
        if way[-1] in known and way[-1] not in seen:
            seen.add(way[-1])
            ways += [(*way, cause.continues) for cause in known[way[-1]].causes if cause.continues]
    return ()


_HEAD = """\
# FILE team/first.yml
runbook: team/first
title: Replica lag
owner: datastores
gather:
  replica: mysql.replica_status
causes:
  - id: stopped
    when: replica.configured
    says: Replication is broken.
    continue: team/second
tests:
  - given: {replica: {configured: true}}
    expect: {cause: stopped, continues: team/second}
# FILE team/second.yml
runbook: team/second
title: Replica lag
owner: datastores
gather:
  replica: mysql.replica_status
causes:
  - id: broken
    when: replica.configured
    says: Replication is broken.
"""
_TESTS = """\
tests:
  - given: {replica: {configured: true}}
    expect: {cause: broken}
"""

RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="Causes of runbooks go on with one another in a cycle.",
    passing=_HEAD + _TESTS,
    failing=_HEAD + "    continue: team/first\n" + _TESTS,
    check_library=check_library,
)
