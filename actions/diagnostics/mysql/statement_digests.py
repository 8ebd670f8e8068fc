"""Which statements take the server's time now, from two samples of the digests."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Cost, Count, Flavour, MySQL, Percent, Row, Seconds, diagnostic
from actions.ratios import percent
from actions.statement_redaction import normalise
from actions.status_counters import on, variables

PICOSECONDS = 1e12
SHAPES = 5
SLACK = 2.0
"""Seconds that the two samples may take, and by which whole seconds may be wrong."""
BY_DIGEST = """
SELECT COALESCE(SCHEMA_NAME, '') AS db, COALESCE(DIGEST, '') AS digest, LEFT(COALESCE(DIGEST_TEXT, ''), 600) AS text,
       COUNT_STAR AS calls, SUM_TIMER_WAIT AS waited, SUM_ROWS_EXAMINED AS examined, SUM_ROWS_SENT AS sent,
       SUM_NO_INDEX_USED AS no_index, SUM_CREATED_TMP_DISK_TABLES AS on_disk, SUM_ERRORS AS errors,
       TIMESTAMPDIFF(SECOND, FIRST_SEEN, NOW()) AS known_for
  FROM performance_schema.events_statements_summary_by_digest
 WHERE LAST_SEEN > NOW() - INTERVAL 60 SECOND
 LIMIT 1000
"""


@dataclass(frozen=True, slots=True)
class Digest:
    """One statement digest, between the two samples."""

    database: str
    """The default database of the sessions; '' for none."""
    digest: str
    """The digest's hash."""
    statement: str
    """The normalized statement."""
    calls: Count
    """Executions that ended between the two samples."""
    time: Seconds
    """Time spent in all calls together."""
    share: Percent
    """Share of the time of all statements that ended between the two samples."""
    average: Seconds
    """Average time of a call."""
    average_before: Seconds
    """Average time of all its calls before the first sample, for comparison."""
    rows_examined: Count
    """Rows examined by all calls."""
    rows_sent: Count
    """Rows returned by all calls."""
    full_scans: Count
    """Calls that used no index."""
    errors: Count
    """Calls that failed."""

    @property
    def slower(self) -> bool:
        """Whether a call takes more than three times its usual time."""
        return self.average_before > 0 and self.average > 3 * self.average_before

    @property
    def scans(self) -> bool:
        """Whether it examines more than a hundred times the rows that it returns, without an index."""
        return self.full_scans > 0 and self.rows_examined > 100 * max(1, self.rows_sent)


@dataclass(frozen=True, slots=True)
class StatementDigests:
    """The statement digests that took the most time, the most expensive first."""

    known: bool = False
    """False if performance_schema is off, as it is in MariaDB by default."""
    over: Seconds = 0.0
    """Time between the two samples."""
    time: Seconds = 0.0
    """Time spent in all statements that ended between the two samples."""
    calls: Count = 0
    """Executions that ended between the two samples."""
    statements: tuple[Digest, ...] = ()
    """The digests; 5 at most."""
    unsure: Count = 0
    """Digests that ran again after more than a minute; their calls in the sample are unknown, so they are left out."""
    overflowed: bool = False
    """Whether the digest table is full (performance_schema_digests_size), so that new digests are counted as one."""


@diagnostic(
    cost=Cost.MEDIUM,
    needs={
        Flavour.MYSQL: ("SELECT ON performance_schema.*",),
        Flavour.MARIADB: ("SELECT ON performance_schema.*",),
    },
)
def statement_digests(db: MySQL, *, over: Seconds = 1.0) -> StatementDigests:
    """Samples events_statements_summary_by_digest twice and subtracts. The table is never truncated.

    `over` is the time between the samples. A statement counts when it ends; for running ones see mysql.long_queries and
    mysql.running_statements.
    """
    if not on(variables(db, "performance_schema"), "performance_schema"):
        return StatementDigests()
    before = {(row["db"], row["digest"]): row for row in db.rows(BY_DIGEST, limit=1000)}
    db.pause(over)
    after = db.rows(BY_DIGEST, limit=1000)
    # A digest that is older than the sample and had not run within the last minute appears in the second sample only,
    # with all its calls since the start. Counting these as calls of the sample would be a false alarm.
    matched = [(row, before.get((row["db"], row["digest"]))) for row in after]
    grown = [(row, old or {}) for row, old in matched if old is not None or int(row["known_for"]) <= over + SLACK]
    ended = [(row, old) for row, old in grown if _grown(row, old, "calls") > 0]
    found = [(_grown(row, old, "waited") / PICOSECONDS, row, old) for row, old in ended]
    total = sum(time for time, _, _ in found)
    found.sort(key=lambda each: -each[0])
    return StatementDigests(
        known=True,
        over=over,
        time=round(total, 3),
        calls=sum(_grown(row, old, "calls") for _, row, old in found),
        statements=tuple(_digest(time, row, old, total) for time, row, old in found[:SHAPES]),
        unsure=len(matched) - len(grown),
        overflowed=any(not row["digest"] for _, row, _ in found),
    )


def _grown(row: Row, old: Row, name: str) -> int:
    return max(0, int(row[name]) - int(old.get(name, 0)))


def _digest(time: float, row: Row, old: Row, total: float) -> Digest:
    calls = _grown(row, old, "calls")
    calls_before, waited_before = int(old.get("calls", 0)), int(old.get("waited", 0))
    return Digest(
        database=str(row["db"]),
        digest=str(row["digest"]),
        statement=normalise(str(row["text"])),
        calls=calls,
        time=round(time, 3),
        share=percent(time, total),
        average=round(time / calls, 6),
        average_before=round(waited_before / PICOSECONDS / calls_before, 6) if calls_before else 0.0,
        rows_examined=_grown(row, old, "examined"),
        rows_sent=_grown(row, old, "sent"),
        full_scans=_grown(row, old, "no_index"),
        errors=_grown(row, old, "errors"),
    )
