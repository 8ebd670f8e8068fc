"""Evidence for people: in a table cell the fields that say something, in a file all of them. Pure.

What a number counts is read from the types of the action that returned it: seconds become durations, bytes sizes.
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
"""Fields of one step at most in a cell: what one takes in at a glance."""
ITEMS = 200
"""Items of one list at most in the file."""
LONGEST = 200_000
"""Characters of the file."""
_QUIET: tuple[Any, ...] = (None, "", 0, 0.0, False, [], {})
_LONG = frozenset(
    {"configured", "known", "retrieved_gtid", "executed_gtid", "receiver_state", "applier_state", "lines", "values"}
)
"""Fields that say little in a cell."""


def rows(run: Run) -> list[list[str]]:
    """One row for each step that returned something: the step, where it was asked, and what was seen."""
    return [
        [step.id.replace("_", " "), _place(step, run), summary(step)]
        for step in run.steps
        if step.status is StepStatus.DONE and summary(step)
    ]


def summary(step: Step) -> str:
    """What a step saw, in one line; '' when there is nothing to say."""
    kind = _result(step.use)
    if isinstance(step.evidence, list):
        return " / ".join(filter(None, (_record(each, kind) for each in step.evidence[:4])))
    return _record(step.evidence, kind)


def document(run: Run) -> str:
    """All that a run saw, as text: every field of every step with its unit, and why a step saw nothing."""
    name = run.alert.name if run.alert else run.title
    head = [f"{name} on {run.target or 'an unknown instance'}", f"{run.opened_at:%Y-%m-%d %H:%M:%S} UTC, run {run.id}"]
    head += [f"runbook {run.runbook} {run.runbook_digest[:7]}"] if run.runbook else []
    lines = [*head, *(line for step in run.steps for line in ("", *_told(step, run)))]
    text = "\n".join(lines) + "\n"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}\n… cut after {LONGEST:,} characters\n"


def _told(step: Step, run: Run) -> Iterator[str]:
    took = f", {units.show_seconds(step.took)}" if step.took else ""
    yield f"{step.id}  ({step.use} on {_place(step, run)}{took})"
    if step.says:
        yield f"  {step.status.value}: {blocks.plain(step.says)}"
    if step.evidence is not None:
        yield from _lines(step.evidence, _result(step.use), "  ")


def _lines(value: Any, kind: Any, indent: str) -> Iterator[str]:  # noqa: ANN401 - JSON and annotations
    """A value of evidence, one field a line, what is in it further in."""
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
    said = [(name, value) for name, value in evidence.items() if name not in _LONG and value not in _QUIET]
    return " · ".join(filter(None, (_field(name, value, types.get(name)) for name, value in said[:FIELDS])))


def _field(name: str, value: Any, kind: Any) -> str:  # noqa: ANN401 - JSON and annotations
    label = name.replace("_", " ")
    if isinstance(value, list):
        return f"{len(value)} {label}{_first(value, item_of(kind))}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {each}" for key, each in list(value.items())[:5])
    return label if value is True else f"{label} {_shown(value, kind)}"


def _first(items: list[Any], kind: Any) -> str:  # noqa: ANN401 - annotations
    """The first item of a list, since it is the oldest, largest or most waited-for."""
    first = items[0]
    if not isinstance(first, dict):
        return f" ({first})"
    types = _fields(kind)
    shown = [
        f"{name.replace('_', ' ')} {_shown(value, types.get(name))}"
        for name, value in first.items()
        if value not in _QUIET and not isinstance(value, list)
    ]
    return f" ({', '.join(shown[:5])})" if shown else ""


def _shown(value: Any, kind: Any) -> str:  # noqa: ANN401 - JSON and annotations
    """A value as people say it, by its unit."""
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
    """A date; the number itself where a server tells one that is no date."""
    try:
        return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S} UTC" if value else "never"
    except (ValueError, OverflowError, OSError):
        return f"{value:g}"


@lru_cache(maxsize=256)
def _result(use: str) -> Any:  # noqa: ANN401 - annotations
    """The type that an action returns; None where the catalog has no such action any more."""
    try:
        return of_diagnostic(use).result
    except UnknownAction:
        return None


def _fields(kind: Any) -> Mapping[str, Any]:  # noqa: ANN401 - annotations
    plain = bare(kind)
    return attributes_of(plain) if isinstance(plain, type) and dataclasses.is_dataclass(plain) else {}


def _place(step: Step, run: Run) -> str:
    if step.use.startswith("prometheus."):
        return "Prometheus"
    if step.on in ("primary", "replicas", "proxies"):
        return f"{step.on} of {run.shard}"
    return {"target": run.target}.get(step.on, step.on)
