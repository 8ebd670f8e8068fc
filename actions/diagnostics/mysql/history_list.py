"""How much InnoDB has left to purge, and what keeps it from purging."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Cost, Count, Flavour, MySQL, diagnostic
from actions.status_counters import number, variables


@dataclass(frozen=True, slots=True)
class HistoryList:
    """The undo log that is not purged yet."""

    length: Count = 0
    """Transactions whose old versions are still kept."""
    before: Count = 0
    """The same, a moment before."""
    purge_threads: Count = 0
    max_purge_lag: Count = 0
    """From which length on writes are slowed down; 0 for never."""

    @property
    def growing(self) -> bool:
        """Whether it grew while one looked."""
        return self.length > self.before


LENGTH = "SELECT COUNT AS length FROM information_schema.INNODB_METRICS WHERE NAME = 'trx_rseg_history_len'"


@diagnostic(cost=Cost.LOW, needs={Flavour.MYSQL: ("PROCESS",), Flavour.MARIADB: ("PROCESS",)})
def history_list(db: MySQL) -> HistoryList:
    """Reads the length twice, half a second apart, and the settings of purge."""
    before = _length(db)
    has = variables(db, "innodb_purge_threads", "innodb_max_purge_lag")
    db.pause(0.5)
    return HistoryList(
        length=_length(db),
        before=before,
        purge_threads=number(has, "innodb_purge_threads"),
        max_purge_lag=number(has, "innodb_max_purge_lag"),
    )


def _length(db: MySQL) -> int:
    rows = db.rows(LENGTH)
    return int(rows[0]["length"]) if rows else 0
