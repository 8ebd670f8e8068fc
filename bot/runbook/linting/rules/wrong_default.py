"""wrong-default: the default of an input does not fit the input's type."""

from __future__ import annotations

from collections.abc import Iterator

from bot.runbook.language.findings import Problem
from bot.runbook.language.inputs import read_value
from bot.runbook.linting.analysis import Analysis
from bot.runbook.linting.rule import Rule, Severity

ID = "wrong-default"


def check(analysis: Analysis) -> Iterator[Problem]:
    """Reads every default as a value of its input."""
    for name, declared in analysis.runbook.inputs.items():
        if declared.default is not None:
            try:
                read_value(declared, declared.default)
            except ValueError as error:
                yield Problem(("inputs", name, "default"), f"Invalid default of input {name!r}: {error}", ID)


RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="The default of an input does not fit the input's type.",
    passing="""\
inputs:
  limit: {type: seconds, default: 30s}
gather:
  replica: mysql.replica_status
  use: {use: mysql.connection_use, when: 'replica.delay > inputs.limit', show: true}
""",
    failing="""\
inputs:
  limit: {type: seconds, default: soon}
gather:
  replica: mysql.replica_status
  use: {use: mysql.connection_use, when: 'replica.delay > inputs.limit', show: true}
""",
    check=check,
)
