"""Formats evidence as text: the informative fields for a table cell, every field for the evidence file. Pure.

The unit of a number comes from the result type of the diagnostic: seconds become durations, bytes become sizes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from actions.contract import Unit
from bot.engine.run import Run, Step, StepStatus
from bot.runbook.language import units
from bot.runbook.language.signatures import UnknownAction, attributes_of, bare, item_of, of_diagnostic, unit_of
from bot.slack import blocks

FIELDS = 7
"""The most fields of one step in a cell: what a reader takes in at a glance."""
ITEMS = 200
"""The most items of one list in the file."""
LONGEST = 200_000
"""The most characters of the file."""
_UNINFORMATIVE: tuple[Any, ...] = (None, "", 0, 0.0, False, [], {})
_LONG = frozenset(
    {"configured", "known", "retrieved_gtid", "executed_gtid", "receiver_state", "applier_state", "lines", "values"}
)
"""Fields that are left out of a cell."""


def rows(run: Run) -> list[list[str]]:
    """Returns a row for each step with evidence: the step, its source and its summary."""
    return [
        [step.id.replace("_", " "), _source(step, run), summary(step)]
        for step in run.steps
        if step.status is StepStatus.DONE and summary(step)
    ]


def summary(step: Step) -> str:
    """Returns a step's evidence in one line; '' without informative fields."""
    kind = _result(step.use)
    if isinstance(step.evidence, list):
        return " / ".join(filter(None, (_record(each, kind) for each in step.evidence[:4])))
    return _record(step.evidence, kind)


def document(run: Run) -> str:
    """Returns the whole evidence of a run: every field of every step, and the reason of each step without evidence."""
    name = run.alert.name if run.alert else run.title
    head = [f"{name} on {run.target or 'an unknown instance'}", f"{run.opened_at:%Y-%m-%d %H:%M:%S} UTC, run {run.id}"]
    head += [f"runbook {run.runbook} {run.runbook_digest[:7]}"] if run.runbook else []
    lines = [*head, *(line for step in run.steps for line in ("", *_step(step, run)))]
    text = "\n".join(lines) + "\n"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}\n… truncated after {LONGEST:,} characters\n"


def _step(step: Step, run: Run) -> Iterator[str]:
    took = f", {units.show_seconds(step.took)}" if step.took else ""
    yield f"{step.id}  ({step.use} on {_source(step, run)}{took})"
    if step.says:
        status = "incomplete" if step.status is StepStatus.DONE else step.status.value
        yield f"  {status}: {blocks.plain(step.says)}"
    if step.evidence is not None:
        yield from _lines(step.evidence, _result(step.use), "  ")


def _lines(value: Any, kind: Any, indent: str) -> Iterator[str]:  # noqa: ANN401 - JSON and annotations
    """Formats a value with one field per line; nested values are indented."""
    if isinstance(value, list):
        for each in value[:ITEMS]:
            first, *rest = _lines(each, kind, f"{indent}  ")
            yield f"{indent}- {first.strip()}"
            yield from rest
        if len(value) > ITEMS:
            yield f"{indent}… {len(value) - ITEMS} more"
    elif isinstance(value, dict) and value:
        types = _fields(kind)
        width = max(len(name) for name in value)
        for name, each in value.items():
            inner = types.get(name)
            label = f"{indent}{name.replace('_', ' '):<{width}}"
            if isinstance(each, list | dict) and each:
                yield label.rstrip()
                yield from _lines(each, item_of(inner) or bare(inner), f"{indent}  ")
            else:
                yield f"{label}  {_shown(each, inner)}"
    else:
        yield f"{indent}{_shown(value, kind)}"


def _record(evidence: Any, kind: Any) -> str:  # noqa: ANN401 - JSON and annotations
    if not isinstance(evidence, dict):
        return ""
    types = _fields(kind)
    said = [(name, value) for name, value in evidence.items() if name not in _LONG and value not in _UNINFORMATIVE]
    return " · ".join(filter(None, (_field(name, value, types.get(name)) for name, value in said[:FIELDS])))


def _field(name: str, value: Any, kind: Any) -> str:  # noqa: ANN401 - JSON and annotations
    label = name.replace("_", " ")
    if isinstance(value, list):
        return f"{len(value)} {label}{_first(value, item_of(kind))}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {each}" for key, each in list(value.items())[:5])
    return label if value is True else f"{label} {_shown(value, kind)}"


def _first(items: list[Any], kind: Any) -> str:  # noqa: ANN401 - annotations
    """Formats the first item of a list, since diagnostics sort the oldest, largest or most blocking item first."""
    first = items[0]
    if not isinstance(first, dict):
        return f" ({first})"
    types = _fields(kind)
    shown = [
        f"{name.replace('_', ' ')} {_shown(value, types.get(name))}"
        for name, value in first.items()
        if value not in _UNINFORMATIVE and not isinstance(value, list)
    ]
    return f" ({', '.join(shown[:5])})" if shown else ""


def _shown(value: Any, kind: Any) -> str:  # noqa: ANN401 - JSON and annotations
    """Formats a value by its unit."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return _number(value, unit_of(kind))
    if value in ("", [], {}):
        return "–"
    return blocks.plain(value, 2000)


def _number(value: float, unit: Unit | None) -> str:
    match unit:
        case Unit.SECONDS:
            return units.show_seconds(value)
        case Unit.BYTES:
            return units.show_bytes(value)
        case Unit.PERCENT:
            return f"{value:g} %"
        case Unit.COUNT:
            return f"{value:,}"
        case Unit.MOMENT:
            return _moment(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _moment(value: float) -> str:
    """Formats a Unix time as a date, or as a number if it is out of range."""
    try:
        return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S} UTC" if value else "never"
    except (ValueError, OverflowError, OSError):
        return f"{value:g}"


@lru_cache(maxsize=256)
def _result(use: str) -> Any:  # noqa: ANN401 - annotations
    """Returns the result type of a diagnostic; None if the catalog no longer has it."""
    try:
        return of_diagnostic(use).result
    except UnknownAction:
        return None


def _fields(kind: Any) -> Mapping[str, Any]:  # noqa: ANN401 - annotations
    plain = bare(kind)
    return attributes_of(plain) if isinstance(plain, type) and dataclasses.is_dataclass(plain) else {}


def _source(step: Step, run: Run) -> str:
    if step.use.startswith("prometheus."):
        return "Prometheus"
    if step.on in ("primary", "replicas", "proxies"):
        return f"{step.on} of {run.shard}"
    return {"target": run.target}.get(step.on, step.on)
