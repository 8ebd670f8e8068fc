"""When the last backup of a shard was made, and whether one is being made now."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actions.contract import Cost, Count, Flavour, Moment, Seconds, Unreadable, diagnostic
from actions.diagnostics.vitess.tablet_health import by_alias
from actions.metrics_page import value
from actions.protobuf_json import moment
from actions.vitess_contract import Component, Vitess, alias_of

READ = 200
"""Backups that are read, the newest."""
RUNNING = "vttablet_backup_is_running"
BAD = frozenset({"INCOMPLETE", "INVALID"})


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup in the storage."""

    name: str = ""
    """Its time and its tablet: `2026-11-23.191924.zone1-0000000100`."""
    tablet: str = ""
    at: Moment | None = None
    """Unix time in seconds at which it began."""
    engine: str = ""
    status: str = "UNKNOWN"
    """INCOMPLETE, COMPLETE, INVALID or VALID; Vitess up to 24 writes UNKNOWN for all."""
    running: bool = False
    """Whether its tablet is making it right now."""

    @property
    def usable(self) -> bool:
        """Whether nothing speaks against it; that it can be restored is not proven by this."""
        return not self.running and self.status not in BAD


@dataclass(frozen=True, slots=True)
class Backups:
    """The backups of one shard."""

    keyspace: str = ""
    shard: str = ""
    newest: Backup | None = None
    """The newest one that nothing speaks against."""
    age: Seconds | None = None
    """How long ago that one began; empty where there is none."""
    number: Count = 0
    """How many of them there are; 200 may be more."""
    broken: Count = 0
    """How many are incomplete or invalid."""
    running: tuple[str, ...] = ()
    """The tablets that make one right now."""
    missing: tuple[str, ...] = ()
    """What could not be read, a sentence for each."""

    @property
    def none(self) -> bool:
        """Whether there is no backup that could be used."""
        return self.newest is None

    @property
    def running_now(self) -> bool:
        return bool(self.running)


@diagnostic(cost=Cost.LOW, needs={Flavour.VITESS: ("GetTablets", "GetBackups", "vttablet /metrics"), Flavour.MYSQL: ()})
def backups(vt: Vitess) -> Backups:
    """Reads the list of backups from the storage, and which tablets make one now.

    A backup that is being made is in the list already, and Vitess does not say so; it is known by its tablet. One whose
    vttablet was killed meanwhile stays in the list and looks like any other. Raises Unreadable where vtctld has no
    storage of backups, or cannot read it.
    """
    told = vt.rpc("GetBackups", keyspace=vt.keyspace, shard=vt.shard, detailed=True, limit=READ).get("backups", ())
    missing: list[str] = []
    running = _running(vt, missing)
    found = [_backup(each) for each in told]
    found.sort(key=lambda each: each.at or 0.0)
    latest = {each.tablet: each.name for each in found}
    found = [
        _running_one(each) if each.tablet in running and latest[each.tablet] == each.name else each for each in found
    ]
    usable = [each for each in found if each.usable]
    newest = usable[-1] if usable else None
    return Backups(
        keyspace=vt.keyspace,
        shard=vt.shard,
        newest=newest,
        age=None if newest is None or newest.at is None else max(0.0, time.time() - newest.at),
        number=len(usable),
        broken=sum(each.status in BAD for each in found),
        running=running,
        missing=tuple(missing),
    )


def _backup(record: Mapping[str, Any]) -> Backup:
    return Backup(
        name=str(record.get("name", "")),
        tablet=alias_of(record.get("tablet_alias")),
        at=moment(record, "time") or None,
        engine=str(record.get("engine", "")),
        status=str(record.get("status", "UNKNOWN")),
    )


def _running_one(backup: Backup) -> Backup:
    return Backup(backup.name, backup.tablet, backup.at, backup.engine, backup.status, running=True)


def _running(vt: Vitess, missing: list[str]) -> tuple[str, ...]:
    """The tablets that make a backup: vttablet counts it whatever the engine, the type is BACKUP for some engines."""
    try:
        tablets = vt.tablets()[:READ]
    except Unreadable as error:
        missing.append(f"Whether a backup is being made now is not known: {error}")
        return ()
    found = {each.alias for each in tablets if each.type == "BACKUP"}
    for alias, answer in by_alias(tablets, vt.metrics(Component.VTTABLET, RUNNING)).items():
        if not answer.ok:
            missing.append(f"Whether {alias} makes a backup now is not known: {answer.error}")
        elif value(answer.body, RUNNING):
            found.add(alias)
    return tuple(sorted(found))
