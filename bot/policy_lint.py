"""What in a policy fits its schema and is still not what its writer meant. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from fnmatch import fnmatchcase

from bot.policy import Policy, checked
from bot.runbook.language.document import Document
from bot.runbook.language.findings import Finding, Problem


def lint_policy(document: Document, shards: Collection[str], now: datetime) -> list[Finding]:
    """Everything that is wrong with a policy, for an inventory with these shards; none are known where it is empty."""
    found = checked(document)
    if not isinstance(found, Policy):
        return sorted(found)
    return sorted(document.finding(each) for each in _doubtful(found, shards, now))


def _doubtful(policy: Policy, shards: Collection[str], now: datetime) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, freeze in enumerate(policy.freezes):
        path = ("freezes", number)
        if freeze.name in seen:
            yield Problem((*path, "name"), f"another freeze is called {freeze.name!r}", "duplicate-freeze")
        seen.add(freeze.name)
        if freeze.ends is not None and freeze.at(freeze.ends) <= now:
            says = f"the freeze {freeze.name!r} is over since {freeze.at(freeze.ends):%Y-%m-%d %H:%M %Z}"
            yield Problem((*path, "to"), says, "past-freeze", "remove it")
        for item, pattern in enumerate(freeze.shards):
            if shards and not any(fnmatchcase(shard, pattern) for shard in shards):
                says = f"{pattern!r} fits no shard of the inventory, so nothing of it is frozen"
                yield Problem((*path, "shards", item), says, "unknown-shard")
