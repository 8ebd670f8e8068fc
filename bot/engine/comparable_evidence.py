"""What of a host's evidence can be compared with that of others. Pure.

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
from bot.engine.sweep import Look
from bot.runbook.expressions.value_types import BaseType, ValueType, value_type_of
from bot.runbook.language.signatures import fields_of

KNOWN, UNKNOWN, ABSENT = "known", "unknown", "absent"
FEW = 3
"""Up to so many hosts, values that differ on each count as a difference; on more they are each host's own."""
SETTING = 60
"""Characters of a setting that is compared; a longer one is free text."""
_WORDS = ("version", "type", "server_state")
"""Texts that are one of a few, though what they come from writes down no closed set."""
_OWN = re.compile(r"(^|_)(port|id|since|until|session)$")
"""Whole numbers without a unit that name something of the host's own."""


@dataclass(frozen=True, slots=True)
class ComparableValues:
    """What one host said: what is compared, and the numbers."""

    host: str
    closed: Mapping[str, object]
    own: frozenset[str]
    """What may be each host's own: settings, and numbers without a unit."""
    numbers: Mapping[str, tuple[Unit | None, float]]


def seen_of(look: Look) -> ComparableValues:
    """What can be compared of the evidence of a host that answered."""
    closed: dict[str, object] = {}
    own: set[str] = set()
    numbers: dict[str, tuple[Unit | None, float]] = {}
    for name, kind, value in _flat("", look.evidence):
        if kind.unit is Unit.MOMENT:
            continue  # of each host's own
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
    """The fields that are different on every single host, such as server_id: nothing can be alike there."""
    values: defaultdict[str, set[object]] = defaultdict(set)
    for each in seen:
        for name in each.own:
            values[name].add(each.closed.get(name))
    return frozenset(name for name, found in values.items() if len(seen) > FEW and len(found) == len(seen))


def word(value: object) -> str:
    """A compared value as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return UNKNOWN if value is None else str(value) or "empty"


def _flat(path: str, record: Any) -> Iterator[tuple[str, ValueType, Any]]:  # noqa: ANN401 - evidence of any type
    """Every field with its kind and value; a record within is opened, and a mapping is its entries."""
    kept: type = type(record)
    for name, annotation in fields_of(kept).items():
        value, kind, at = getattr(record, name), value_type_of(annotation), f"{path}{name}"
        if isinstance(value, Mapping):
            # A mapping of evidence holds what was asked for by name, so the entry's name is the field's.
            yield from ((str(key), kind, each) for key, each in value.items())
        elif dataclasses.is_dataclass(value):
            yield from _flat(f"{at}_", value)
        else:
            yield at, kind, value
