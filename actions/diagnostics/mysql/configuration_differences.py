"""In what the members of a shard are set up differently from the one that is asked."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Cost, Count, Flavour, MySQL, diagnostic
from actions.diagnostics.mysql.configuration import COMPARED, Configuration
from actions.status_counters import variables

MAY_DIFFER = ("max_connections", "table_open_cache", "innodb_io_capacity", "innodb_io_capacity_max")
"""What follows the size of the host."""
DURABILITY = ("sync_binlog", "innodb_flush_log_at_trx_commit")
"""What replicas may have weaker on purpose, and a primary may not."""


@dataclass(frozen=True, slots=True)
class SettingDifference:
    """A setting that is another one here than there."""

    name: str
    here: str
    there: str
    address: str
    """Where it is the other one."""


@dataclass(frozen=True, slots=True)
class ConfigurationDifferences:
    """All differences, by name."""

    compared: Count = 0
    """Members that were compared."""
    differences: tuple[SettingDifference, ...] = ()


@diagnostic(cost=Cost.LOW, needs={Flavour.MYSQL: (), Flavour.MARIADB: ()})
def configuration_differences(db: MySQL, *, members: tuple[Configuration, ...]) -> ConfigurationDifferences:
    """Compares what members were read to have with the server that is asked; what only one of them knows is none."""
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
