"""Lints a policy: its schema, duplicate and past freezes, and shard patterns without a match. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from fnmatch import fnmatchcase

from bot.policy import Policy, checked
from bot.runbook.language.findings import Finding, Problem
from bot.runbook.language.positioned_document import Document


def lint_policy(document: Document, shards: Collection[str], now: datetime) -> list[Finding]:
    """Returns the findings of a policy for an inventory with these shards; without shards, patterns are not checked."""
    found = checked(document)
    if not isinstance(found, Policy):
        return sorted(found)
    return sorted(document.finding(each) for each in _check_freezes(found, shards, now))


def _check_freezes(policy: Policy, shards: Collection[str], now: datetime) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, freeze in enumerate(policy.freezes):
        path = ("freezes", number)
        if freeze.name in seen:
            yield Problem((*path, "name"), f"Freeze {freeze.name!r} is already defined", "duplicate-freeze")
        seen.add(freeze.name)
        if freeze.ends is not None and freeze.at(freeze.ends) <= now:
            message = f"Freeze {freeze.name!r} ended at {freeze.at(freeze.ends):%Y-%m-%d %H:%M %Z}"
            yield Problem((*path, "to"), message, "past-freeze", "remove it")
        for item, pattern in enumerate(freeze.shards):
            if shards and not any(fnmatchcase(shard, pattern) for shard in shards):
                message = f"Pattern {pattern!r} matches no shard in the inventory"
                yield Problem((*path, "shards", item), message, "unknown-shard")
