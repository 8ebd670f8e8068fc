"""The length of InnoDB's history list, and the settings of purge."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Cost, Count, Flavour, MySQL, diagnostic
from actions.status_counters import number, variables


@dataclass(frozen=True, slots=True)
class HistoryList:
    """The undo log that has not been purged."""

    length: Count = 0
    """Transactions whose old row versions are still kept."""
    before: Count = 0
    """The same, half a second before."""
    purge_threads: Count = 0
    """innodb_purge_threads."""
    max_purge_lag: Count = 0
    """Length from which writes are delayed (innodb_max_purge_lag); 0 means never."""

    @property
    def growing(self) -> bool:
        """Whether it grew between the two samples."""
        return self.length > self.before


LENGTH = "SELECT COUNT AS length FROM information_schema.INNODB_METRICS WHERE NAME = 'trx_rseg_history_len'"


@diagnostic(cost=Cost.LOW, needs={Flavour.MYSQL: ("PROCESS",), Flavour.MARIADB: ("PROCESS",)})
def history_list(db: MySQL) -> HistoryList:
    """Samples the length twice, half a second apart, and reads the settings of purge."""
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
