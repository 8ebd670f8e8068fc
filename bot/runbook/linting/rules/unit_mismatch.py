"""unit-mismatch: values with different units are compared, added or passed to a parameter."""

from __future__ import annotations

from collections.abc import Iterator

from bot.runbook.language.findings import Problem
from bot.runbook.linting.analysis import Analysis
from bot.runbook.linting.argument_types import argument_mismatch
from bot.runbook.linting.rule import Rule, Severity

ID = "unit-mismatch"


def check(analysis: Analysis) -> Iterator[Problem]:
    """Compares the units of arguments; those of operands are compared by bot.runbook.expressions.type_check."""
    for argument in analysis.arguments:
        mismatch = argument_mismatch(argument)
        if mismatch is not None and mismatch.rule == ID:
            yield Problem(argument.path, mismatch.message, ID)


RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="Values with different units are compared, added or passed to a parameter.",
    passing="""\
gather:
  replica: mysql.replica_status
  use: {use: mysql.connection_use, when: 'replica.lag is known and replica.delay > replica.lag', show: true}
""",
    failing="""\
gather:
  replica: mysql.replica_status
  threads: mysql.connection_use
  use: {use: mysql.connection_use, when: replica.delay > threads.connected, show: true}
""",
    check=check,
)
