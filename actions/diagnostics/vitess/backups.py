"""When the last backup of a shard was made, and whether one is in progress."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actions.contract import Cost, Count, Flavour, Moment, Seconds, Unreadable, diagnostic
from actions.protobuf_json import moment
from actions.scraped_metrics import value
from actions.vitess_contract import Component, Vitess, alias_of
from actions.vitess_tablet_health import answers_by_alias

READ = 200
"""Backups that are read, the newest first."""
RUNNING = "vttablet_backup_is_running"
BAD = frozenset({"INCOMPLETE", "INVALID"})


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup in the backup storage."""

    name: str = ""
    """Its time and its tablet: `2026-11-23.191924.zone1-0000000100`."""
    tablet: str = ""
    """The alias of the tablet that made it."""
    at: Moment | None = None
    """When it began, in Unix seconds."""
    engine: str = ""
    """The backup engine, such as `builtin` or `xtrabackup`."""
    status: str = "UNKNOWN"
    """INCOMPLETE, COMPLETE, INVALID or VALID; Vitess up to 24 writes UNKNOWN for all."""
    running: bool = False
    """Whether its tablet is making it now."""

    @property
    def usable(self) -> bool:
        """Whether it is neither in progress nor known to be bad. This does not prove that it can be restored."""
        return not self.running and self.status not in BAD


@dataclass(frozen=True, slots=True)
class Backups:
    """The backups of one shard."""

    keyspace: str = ""
    shard: str = ""
    newest: Backup | None = None
    """The newest usable backup."""
    age: Seconds | None = None
    """Time since the newest usable backup began; empty if there is none."""
    number: Count = 0
    """Usable backups; 200 means 200 or more."""
    broken: Count = 0
    """Backups that are incomplete or invalid."""
    running: tuple[str, ...] = ()
    """The tablets that are making a backup now."""
    missing: tuple[str, ...] = ()
    """What could not be read, one sentence each."""

    @property
    def none(self) -> bool:
        """Whether there is no usable backup."""
        return self.newest is None

    @property
    def running_now(self) -> bool:
        """Whether a backup is in progress."""
        return bool(self.running)


@diagnostic(cost=Cost.LOW, needs={Flavour.VITESS: ("GetTablets", "GetBackups", "vttablet /metrics"), Flavour.MYSQL: ()})
def backups(vt: Vitess) -> Backups:
    """Lists the backups in the storage, and finds the tablets that are making one now.

    Vitess lists a backup in progress like any other; it is recognized by its tablet. A backup whose vttablet was killed
    stays in the list and looks complete. Raises Unreadable if vtctld has no backup storage, or cannot read it.
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
    """Returns the tablets that make a backup: vttablet counts it for every engine; the type is BACKUP for some
    engines."""
    try:
        tablets = vt.tablets()[:READ]
    except Unreadable as error:
        missing.append(f"Whether a backup is in progress is unknown: {error}")
        return ()
    found = {each.alias for each in tablets if each.type == "BACKUP"}
    for alias, answer in answers_by_alias(tablets, vt.metrics(Component.VTTABLET, RUNNING)).items():
        if not answer.ok:
            missing.append(f"Whether {alias} is making a backup is unknown: {answer.error}")
        elif value(answer.body, RUNNING):
            found.add(alias)
    return tuple(sorted(found))
