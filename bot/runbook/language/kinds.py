"""Kinds of servers, for which of them a runbook speaks, and what the card says about the others. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

Kind: TypeAlias = Literal[
    "standalone",
    "source",
    "replica",
    "group_member",
    "galera_node",
    "tablet",
    "managed",
    "delayed",
    "offline",
    "recovering",
    "provisioning",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
BASE: tuple[Kind, ...] = ("standalone", "source", "replica", "group_member", "galera_node", "tablet")
"""Each server is exactly one of these; the others come in addition."""
DECLARED_ONLY: tuple[Kind, ...] = ("recovering", "provisioning")
"""Kinds of servers that only a runbook changes which names them: their data is being read out, or replaced."""

_IS: Mapping[Kind, str] = {
    "standalone": "a standalone server",
    "source": "a replication source",
    "replica": "a replica",
    "group_member": "a member of a replication group",
    "galera_node": "a Galera node",
    "tablet": "a Vitess tablet",
    "managed": "a server of a managed service",
    "delayed": "a replica with a configured delay",
    "offline": "in offline mode",
    "recovering": "running with innodb_force_recovery",
    "provisioning": "receiving a copy of its data",
}
_PLURAL: Mapping[Kind, str] = {
    "standalone": "standalone servers",
    "source": "sources",
    "replica": "replicas",
    "group_member": "members of replication groups",
    "galera_node": "Galera nodes",
    "tablet": "Vitess tablets",
    "managed": "managed services",
    "delayed": "delayed replicas",
    "offline": "servers in offline mode",
    "recovering": "servers with innodb_force_recovery",
    "provisioning": "servers that receive a copy of their data",
}
_NEXT: Mapping[Kind, str] = {
    "standalone": "",
    "source": "",
    "replica": "",
    "group_member": "Check performance_schema.replication_group_members on one of the members.",
    "galera_node": "Check SHOW GLOBAL STATUS LIKE 'wsrep%' on it.",
    "tablet": "",
    "managed": "Check the events and the metrics of the service.",
    "delayed": "Check a replica without a delay.",
    "offline": "Find out who set offline_mode and why before you set it to OFF.",
    "recovering": "Save its data with a dump, then restore it from a backup or from another server.",
    "provisioning": "Wait until the copy is complete, then start a new run.",
}


@dataclass(frozen=True, slots=True)
class KnownKinds:
    """The kinds of one server, by what the server itself says."""

    kinds: tuple[Kind, ...] = ()
    """Its base kind first; empty if it is unknown."""
    service: str = ""
    """The name of the managed service that it belongs to, or ''."""
    unknown: str = ""
    """Why its kind is unknown, as a sentence, or ''."""

    @property
    def says(self) -> str:
        """What the server is, for cards: `replica, Amazon RDS`; '' if it is unknown."""
        words = [self.service if each == "managed" and self.service else each for each in self.kinds]
        return ", ".join(each.replace("_", " ") for each in words)


def not_answered(runbook: str, speaks_for: Sequence[Kind] | None, name: str, known: KnownKinds) -> str:
    """Returns why a runbook does not answer for a server, and what to do next; '' if it does.

    A runbook answers if it names all kinds of the server, or none at all. It answers for a server whose kind is
    unknown, too, because a diagnosis only reads.
    """
    strange = _strange(speaks_for, known.kinds)
    if not strange:
        return ""
    return " ".join(
        filter(
            None,
            (
                f"{name} is {_described(strange, known)}; the runbook {runbook} {_speaks(strange)}.",
                "Nothing was diagnosed, and nothing is offered.",
                *(_NEXT[each] for each in strange),
                f"For a first look, use /triage {name}.",
            ),
        )
    )


def not_changed(runbook: str, speaks_for: Sequence[Kind] | None, name: str, known: KnownKinds) -> str:
    """Returns why the changes of a runbook are refused on a server because of its kind; '' if they are not.

    A runbook that names no kinds changes all but those of `DECLARED_ONLY`.
    """
    if known.unknown:
        if speaks_for is None:
            return ""
        return (
            f"The kind of {name} is unknown: {known.unknown} The runbook {runbook} changes only servers of the kinds "
            "that it names."
        )
    strange = _strange(speaks_for, known.kinds)
    if speaks_for is None:
        strange = tuple(each for each in known.kinds if each in DECLARED_ONLY)
    if not strange:
        return ""
    advice = " ".join(filter(None, (_NEXT[each] for each in strange)))
    return f"{name} is {_described(strange, known)}; the runbook {runbook} {_speaks(strange)}. {advice}".strip()


def _strange(speaks_for: Collection[Kind] | None, kinds: Sequence[Kind]) -> tuple[Kind, ...]:
    return () if speaks_for is None else tuple(each for each in kinds if each not in speaks_for)


def _described(strange: Sequence[Kind], known: KnownKinds) -> str:
    named = [f"an {known.service} instance" if _vowel(known.service) else f"a {known.service} instance"]
    return " and ".join(named[0] if each == "managed" and known.service else _IS[each] for each in strange)


def _speaks(strange: Sequence[Kind]) -> str:
    if tuple(strange) == ("managed",):
        return "covers self-managed servers only"
    return f"does not cover {' or '.join(_PLURAL[each] for each in strange)}"


def _vowel(text: str) -> bool:
    return text[:1] in "AEIOU" and bool(text)
