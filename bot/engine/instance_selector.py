"""Selects instances of the inventory by a selector such as `role=replica,shard=orders*`. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from bot.config import Tablet, TabletShard
from bot.engine.targets import Target
from bot.errors import UnknownTarget, WrongUsage
from bot.runbook.language.signatures import did_you_mean

EVERYTHING = "all"
LONGEST = 500
"""The most characters of a selector."""
EXAMPLE = "role=replica,shard=orders*"
_OF: Mapping[str, Callable[[Target], str]] = {
    "role": lambda target: target.instance.role.value,
    "name": lambda target: target.name,
    "shard": lambda target: target.shard.name,
    "flavour": lambda target: target.shard.flavour,
    "cluster": lambda target: _topology(target, "cluster") or target.shard.name,
    "keyspace": lambda target: _topology(target, "keyspace"),
    "cell": lambda target: target.instance.record.cell if isinstance(target.instance, Tablet) else "",
    "type": lambda target: target.instance.record.type if isinstance(target.instance, Tablet) else "",
}
"""Outside Vitess, alerts and people call a shard of the inventory a cluster."""


def _topology(target: Target, name: str) -> str:
    return str(getattr(target.shard, name)) if isinstance(target.shard, TabletShard) else ""


@dataclass(frozen=True, slots=True)
class Selection:
    """Patterns by key. An instance must match all of them; without any, every instance matches."""

    patterns: Mapping[str, str]

    def fits(self, target: Target) -> bool:
        """Returns whether all patterns match; a proxy matches only a selector that names its role."""
        if target.is_proxy and "role" not in self.patterns:
            return False
        return all(fnmatchcase(_OF[key](target), pattern) for key, pattern in self.patterns.items())

    def __str__(self) -> str:
        return ",".join(f"{key}={pattern}" for key, pattern in self.patterns.items()) or EVERYTHING


def selection_of(text: str) -> Selection:
    """Parses matchers separated by commas or spaces, or `all`; raises WrongUsage with the nearest key."""
    words = [word for word in re.split(r"[,\s]+", text.strip()[: LONGEST + 1]) if word]
    if len(text) > LONGEST:
        raise WrongUsage(f"The selector has {len(text)} characters; at most {LONGEST} are allowed.")
    if words == [EVERYTHING]:
        return Selection({})
    patterns: dict[str, str] = {}
    for word in words:
        key, equals, pattern = word.partition("=")
        if not equals or not pattern:
            raise WrongUsage(f"{word!r} is not KEY=PATTERN; write a selector like {EXAMPLE}, or {EVERYTHING}.")
        if key not in _OF:
            keys = list(_OF)
            raise WrongUsage(
                f"A selector has no key {key!r}{did_you_mean(key, keys) or '.'} Its keys are {', '.join(keys)}."
            )
        if key in patterns:
            raise WrongUsage(f"The selector names {key} twice; one pattern with * and ? can match several values.")
        patterns[key] = pattern
    if not patterns:
        raise WrongUsage(f"The selector is empty; write one like {EXAMPLE}, or {EVERYTHING}.")
    return Selection(patterns)


def select(text: str, inventory: Sequence[Target]) -> tuple[Target, ...]:
    """Returns the instances that match a selector, in the order of the inventory.

    Raises WrongUsage for what is no selector, UnknownTarget with the nearest names where nothing fits.
    """
    wanted = selection_of(text)
    found = tuple(target for target in inventory if wanted.fits(target))
    if not found:
        raise UnknownTarget(f"No instance in the inventory matches {wanted}{_why_none(wanted, inventory)}")
    return found


def _why_none(wanted: Selection, inventory: Sequence[Target]) -> str:
    """Names the pattern that matches nothing by itself, with the nearest name."""
    for key, pattern in wanted.patterns.items():
        known = sorted({_OF[key](target) for target in inventory} - {""})
        if not any(fnmatchcase(each, pattern) for each in known):
            hint = did_you_mean(pattern, known)
            return f": there is no {key} {pattern!r}{hint}" if hint else f": {key} is {_some(known)}."
    return ": each pattern matches some instances, but no instance matches all of them."


def _some(known: Sequence[str]) -> str:
    more = f" or one of {len(known) - 10} more" if len(known) > 10 else ""
    return " or ".join(known[:10]) + more
