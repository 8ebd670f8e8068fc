"""costly-step: a diagnostic that can stall a server runs without a condition."""

from __future__ import annotations

from collections.abc import Iterator

from actions.catalog import DIAGNOSTICS
from bot.runbook.language.findings import Problem
from bot.runbook.language.gather_schema import GatherStep
from bot.runbook.linting.analysis import Analysis
from bot.runbook.linting.rule import Rule, Severity

ID = "costly-step"


def check(analysis: Analysis) -> Iterator[Problem]:
    """A gated diagnostic, which starts with a cheap query, needs a condition on several servers only."""
    for name, step in analysis.runbook.gather.items():
        declared = DIAGNOSTICS.get(step.use)
        if declared is None or not declared.costly or step.when is not None:
            continue
        if not declared.gated or step.is_list:
            message = f"{step.use} can stall a server and runs {_how_often(step)} without a condition"
            yield Problem(("gather", name), message, ID, "add a `when` that reads a cheaper step", on_key=True)


def _how_often(step: GatherStep) -> str:
    if step.each is not None:
        return "once per item"
    return "on several servers" if step.is_list else "in every run"


RULE = Rule(
    id=ID,
    severity=Severity.WARNING,
    description="A diagnostic that can stall a server runs without a condition.",
    passing="""\
gather:
  replica: mysql.replica_status
  locks: {use: mysql.wait_graph, on: replicas, when: replica.delay > 60, show: true}
""",
    failing="""\
gather:
  locks: {use: mysql.wait_graph, on: replicas, show: true}
""",
    check=check,
)
