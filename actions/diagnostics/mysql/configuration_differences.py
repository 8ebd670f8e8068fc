"""Which settings of a shard's members differ from those of the target."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Cost, Count, Flavour, MySQL, diagnostic
from actions.diagnostics.mysql.configuration import COMPARED, Configuration
from actions.status_counters import variables

MAY_DIFFER = ("max_connections", "table_open_cache", "innodb_io_capacity", "innodb_io_capacity_max")
"""Settings that depend on the size of the host."""
DURABILITY = ("sync_binlog", "innodb_flush_log_at_trx_commit")
"""Settings that may be weaker on replicas on purpose, but not on a primary."""


@dataclass(frozen=True, slots=True)
class SettingDifference:
    """A setting that differs between two servers."""

    name: str
    """The variable."""
    here: str
    """Its value on the target."""
    there: str
    """Its value on the other server."""
    address: str
    """`host:port` of the other server."""


@dataclass(frozen=True, slots=True)
class ConfigurationDifferences:
    """The differences, by name."""

    compared: Count = 0
    """Members that were compared with the target."""
    differences: tuple[SettingDifference, ...] = ()
    """The differences; 20 at most."""


@diagnostic(cost=Cost.LOW, needs={Flavour.MYSQL: (), Flavour.MARIADB: ()})
def configuration_differences(db: MySQL, *, members: tuple[Configuration, ...]) -> ConfigurationDifferences:
    """Compares the settings in `members` with those of the target; variables that only one of them has are ignored."""
    here = variables(db, *COMPARED)
    others = [member for member in members if member.address != db.address]
    found = [
        SettingDifference(name, here[name][:100], member.values[name][:100], member.address)
        for name in COMPARED
        if name in here and name not in MAY_DIFFER
        for member in others
        if name in member.values and member.values[name] != here[name][:200]
    ]
    return ConfigurationDifferences(len(others), tuple(found[:20]))
