"""Evidence as a table: the fields that say something, in the words of the server. Pure."""

from __future__ import annotations

from typing import Any

from bot.engine.state import Run, Step, StepStatus
from bot.slack import blocks

FIELDS = 7
"""Fields of one step at most: what one takes in at a glance."""
_QUIET: tuple[Any, ...] = (None, "", 0, 0.0, False, [], {})
_LONG = frozenset(
    {"configured", "known", "retrieved_gtid", "executed_gtid", "receiver_state", "applier_state", "lines", "values"}
)
"""Fields that say little in a cell."""
_SECONDS = frozenset({"lag", "delay", "age", "oldest", "longest", "idle_for", "busiest_for", "command_for"})


def rows(run: Run) -> list[list[str]]:
    """One row for each step that returned something: the step, where it was asked, and what was seen."""
    return [
        [step.id.replace("_", " "), _place(step, run), summary(step)]
        for step in run.steps
        if step.status is StepStatus.DONE and summary(step)
    ]


def summary(step: Step) -> str:
    """What a step saw, in one line; '' when there is nothing to say."""
    if isinstance(step.evidence, list):
        return " / ".join(filter(None, (_record(each) for each in step.evidence[:4])))
    return _record(step.evidence)


def _record(evidence: Any) -> str:  # noqa: ANN401 - JSON
    if not isinstance(evidence, dict):
        return ""
    parts = [_field(name, value) for name, value in evidence.items() if name not in _LONG and value not in _QUIET]
    return " · ".join(filter(None, parts[:FIELDS]))


def _field(name: str, value: Any) -> str:  # noqa: ANN401 - JSON
    label = name.replace("_", " ")
    if isinstance(value, list):
        return f"{len(value)} {label}{_first(value)}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {each}" for key, each in list(value.items())[:5])
    if value is True:
        return label
    if name in _SECONDS and isinstance(value, int | float):
        return f"{label} {blocks.duration(value)}"
    if isinstance(value, float):
        return f"{label} {value:g}"
    return f"{label} {value}"


def _first(items: list[Any]) -> str:
    """The first item of a list, since it is the oldest, largest or most waited-for."""
    first = items[0]
    if not isinstance(first, dict):
        return f" ({first})"
    shown = [f"{k.replace('_', ' ')} {v}" for k, v in first.items() if v not in _QUIET and not isinstance(v, list)]
    return f" ({', '.join(shown[:5])})" if shown else ""


def _place(step: Step, run: Run) -> str:
    if step.use.startswith("prometheus."):
        return "Prometheus"
    if step.on in ("primary", "replicas", "proxies"):
        return f"{step.on} of {run.shard}"
    return {"target": run.target}.get(step.on, step.on)
