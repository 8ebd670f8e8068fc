"""Selects the parts of a host's evidence that can be compared with those of others. Pure.

What can only be one of a few is compared: a boolean, a word of a closed set, the number of an error or a mode, a
version, a setting that was asked for by name. A number with a unit is for a range, and a list counts as its length.
Free text, ports, ids and moments are left alone.
"""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from actions.contract import Unit
from bot.engine.sweep.run_sweep import HostAnswer
from bot.runbook.expressions.value_types import BaseType, ValueType, value_type_of
from bot.runbook.language.signatures import fields_of

KNOWN, UNKNOWN, ABSENT = "known", "unknown", "absent"
FEW = 3
"""The most hosts on which a field that differs on each one counts as a difference; on more it is ignored."""
SETTING = 60
"""The most characters of a setting that is compared; a longer one is free text."""
_WORDS = ("version", "type", "server_state")
"""Texts with few possible values, although their type does not list them."""
_OWN = re.compile(r"(^|_)(port|id|since|until|session)$")
"""Integers without a unit that identify something of the host."""


@dataclass(frozen=True, slots=True)
class ComparableValues:
    """The comparable evidence of one host: facts, and numbers."""

    host: str
    closed: Mapping[str, object]
    own: frozenset[str]
    """Facts that may be specific to a host: settings, and numbers without a unit."""
    numbers: Mapping[str, tuple[Unit | None, float]]


def seen_of(look: HostAnswer) -> ComparableValues:
    """Returns the comparable evidence of a host that answered."""
    closed: dict[str, object] = {}
    own: set[str] = set()
    numbers: dict[str, tuple[Unit | None, float]] = {}
    for name, kind, value in _flat("", look.evidence):
        if kind.unit is Unit.MOMENT:
            continue  # specific to each host
        if isinstance(value, tuple | list):
            numbers[name] = (Unit.COUNT, len(value))
        elif kind.base is BaseType.NUMBER and (kind.unit is not None or isinstance(value, float)):
            if kind.nullable:
                closed[name] = UNKNOWN if value is None else KNOWN
            if value is not None:
                numbers[name] = (kind.unit, value)
        elif kind.base is BaseType.MAPPING:
            if len(str(value)) <= SETTING:
                closed[name] = value
                own.add(name)
        elif kind.base is BaseType.NUMBER:
            if not _OWN.search(name):
                closed[name] = value
                own.add(name)
        elif kind.base is BaseType.BOOLEAN or kind.literals is not None or name in _WORDS:
            closed[name] = value
    return ComparableValues(look.target.name, closed, frozenset(own), numbers)


def each_its_own(seen: Sequence[ComparableValues]) -> frozenset[str]:
    """Returns the fields that differ on every host, such as server_id."""
    values: defaultdict[str, set[object]] = defaultdict(set)
    for each in seen:
        for name in each.own:
            values[name].add(each.closed.get(name))
    return frozenset(name for name, found in values.items() if len(seen) > FEW and len(found) == len(seen))


def word(value: object) -> str:
    """Returns a compared value as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return UNKNOWN if value is None else str(value) or "empty"


def _flat(path: str, record: Any) -> Iterator[tuple[str, ValueType, Any]]:  # noqa: ANN401 - evidence of any type
    """Yields every field with its kind and value, including those of nested records and entries of mappings."""
    kept: type = type(record)
    for name, annotation in fields_of(kept).items():
        value, kind, at = getattr(record, name), value_type_of(annotation), f"{path}{name}"
        if isinstance(value, Mapping):
            # The keys of a mapping are names that were asked for, so each entry is a field.
            yield from ((str(key), kind, each) for key, each in value.items())
        elif dataclasses.is_dataclass(value):
            yield from _flat(f"{at}_", value)
        else:
            yield at, kind, value
