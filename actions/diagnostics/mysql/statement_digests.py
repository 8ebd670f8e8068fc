"""Which statements take the server's time now, from two samples of the digests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeAlias

from actions.contract import READERS_DATABASE, Cost, Count, Flavour, MySQL, Percent, Row, Seconds, diagnostic
from actions.ratios import percent
from actions.sql_quoting import placeholders
from actions.statement_redaction import normalise
from actions.status_counters import on, variables
from actions.workload_names import workload_of

PICOSECONDS = 1e12
SHAPES = 5
MOST_DIGESTS = 1000
"""Digests of one sample: those that ran last."""
SLACK = 2.0
"""Seconds that the two samples may take, and by which whole seconds may be wrong."""
BY_DIGEST = f"""
SELECT COALESCE(SCHEMA_NAME, '') AS db, COALESCE(DIGEST, '') AS digest, LEFT(COALESCE(DIGEST_TEXT, ''), 600) AS text,
       COUNT_STAR AS calls, SUM_TIMER_WAIT AS waited, SUM_ROWS_EXAMINED AS examined, SUM_ROWS_SENT AS sent,
       SUM_NO_INDEX_USED AS no_index, SUM_CREATED_TMP_DISK_TABLES AS on_disk, SUM_ERRORS AS errors,
       TIMESTAMPDIFF(SECOND, FIRST_SEEN, NOW()) AS known_for
  FROM performance_schema.events_statements_summary_by_digest
 WHERE LAST_SEEN > NOW() - INTERVAL 60 SECOND AND COALESCE(SCHEMA_NAME, '') <> '{READERS_DATABASE}'
 ORDER BY LAST_SEEN DESC, SUM_TIMER_WAIT DESC LIMIT {MOST_DIGESTS}
"""
RUNNING = f"""
SELECT COALESCE(s.CURRENT_SCHEMA, '') AS db, COALESCE(s.DIGEST, '') AS digest,
       LEFT(COALESCE(s.DIGEST_TEXT, s.SQL_TEXT, ''), 600) AS text, COUNT(*) AS running, MAX(s.TIMER_WAIT) AS longest,
       SUM(LEAST(s.TIMER_WAIT, %s)) AS waited, SUM(s.ROWS_EXAMINED) AS examined, SUM(s.ROWS_SENT) AS sent,
       SUM(s.NO_INDEX_USED) AS no_index
  FROM performance_schema.events_statements_current s
  JOIN performance_schema.threads t ON t.THREAD_ID = s.THREAD_ID
 WHERE s.END_EVENT_ID IS NULL AND s.NESTING_EVENT_LEVEL = 0 AND s.TIMER_WAIT > %s
   AND t.PROCESSLIST_COMMAND IN ('Query', 'Execute') AND t.TYPE = 'FOREGROUND'
   AND COALESCE(s.CURRENT_SCHEMA, '') <> '{READERS_DATABASE}'
 GROUP BY 1, 2, 3 ORDER BY 6 DESC LIMIT {MOST_DIGESTS}
"""
"""Statements that have been running since before the first sample; each counts for the time between the samples."""
RUNNING_MARIADB = f"""
SELECT COALESCE(DB, '') AS db, '' AS digest, LEFT(INFO, 600) AS text, COUNT(*) AS running,
       MAX(TIME_MS) * 1000000000 AS longest, SUM(LEAST(TIME_MS * 1000000000, %s)) AS waited,
       SUM(EXAMINED_ROWS) AS examined, 0 AS sent, 0 AS no_index
  FROM information_schema.PROCESSLIST
 WHERE COMMAND IN ('Query', 'Execute') AND INFO IS NOT NULL AND TIME_MS * 1000000000 > %s
   AND USER <> SUBSTRING_INDEX(USER(), '@', 1) AND USER NOT IN ('system user', 'event_scheduler')
 GROUP BY 1, 2, 3 ORDER BY 6 DESC LIMIT {MOST_DIGESTS}
"""
"""The same in MariaDB, whose events_statements_current is off by default."""
BEFORE = """
SELECT COALESCE(SCHEMA_NAME, '') AS db, DIGEST AS digest, COUNT_STAR AS calls, SUM_TIMER_WAIT AS waited
  FROM performance_schema.events_statements_summary_by_digest WHERE DIGEST IN ({listed})
 LIMIT 200
"""
"""What a running statement took before: its digest may have ended last long ago."""
SAMPLES = """
SELECT COALESCE(SCHEMA_NAME, '') AS db, DIGEST AS digest, QUERY_SAMPLE_TEXT AS sample
  FROM performance_schema.events_statements_summary_by_digest WHERE DIGEST IN ({listed})
 LIMIT 200
"""
"""A call of each digest, with its comments; only its workload is kept."""
Key: TypeAlias = tuple[str, str]
"""A default database, and a digest."""


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
    running: Count
    """Executions that have been running since before the first sample."""
    longest: Seconds
    """Time for which the longest of these has been running."""
    time: Seconds
    """Time of the executions that ended, and the time between the samples for each that runs on."""
    share: Percent
    """Share of the time of all statements."""
    average: Seconds
    """Average time of a call that ended; if none did, the same as `longest`."""
    average_before: Seconds
    """Average time of all its calls before the first sample, for comparison."""
    rows_examined: Count
    """Rows examined by all calls, and so far by those that run on."""
    rows_sent: Count
    """Rows returned by all calls, and so far by those that run on."""
    full_scans: Count
    """Calls that used no index."""
    errors: Count
    """Calls that failed."""
    workload: str = ""
    """The workload of one of its calls, by a comment of the sample that MySQL 8.0 and later keep; '' if unknown."""

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

    EXACT: ClassVar[tuple[str, ...]] = ("known", "over", "overflowed")

    known: bool = False
    """False if performance_schema is off, as it is in MariaDB by default."""
    over: Seconds = 0.0
    """Time between the two samples."""
    time: Seconds = 0.0
    """Time of all statements that ended between the two samples or ran on."""
    calls: Count = 0
    """Executions that ended between the two samples."""
    statements: tuple[Digest, ...] = ()
    """The digests; 5 at most."""
    unsure: Count = 0
    """Digests that ran again after more than a minute; their calls in the sample are unknown, so they are left out."""
    overflowed: bool = False
    """Whether the digest table is full (performance_schema_digests_size), so that new digests are counted as one."""
    complete: bool = True
    """False if more than 1000 digests ran within the last minute; those that ran last were compared."""


@diagnostic(
    cost=Cost.MEDIUM,
    needs={
        Flavour.MYSQL: ("SELECT ON performance_schema.*",),
        Flavour.MARIADB: ("PROCESS", "SELECT ON performance_schema.*"),
    },
)
def statement_digests(db: MySQL, *, over: Seconds = 1.0) -> StatementDigests:
    """Samples events_statements_summary_by_digest twice and subtracts, and adds the statements that run on.

    `over` is the time between the samples. A statement is counted in the table when it ends; one that has been running
    since before the first sample is read from events_statements_current, in MariaDB from the process list. Firstmate's
    own statements are left out, and the table is never truncated.
    """
    if not on(variables(db, "performance_schema"), "performance_schema"):
        return StatementDigests()
    before = {_key(row): row for row in db.rows(BY_DIGEST, limit=MOST_DIGESTS)}
    db.pause(over)
    after = db.rows(BY_DIGEST, limit=MOST_DIGESTS)
    span = int(over * PICOSECONDS)
    running = _merged(db.rows(RUNNING_MARIADB if db.version.is_mariadb else RUNNING, (span, span), limit=MOST_DIGESTS))
    # A digest that is older than the sample and had not run within the last minute appears in the second sample only,
    # with all its calls since the start. Counting these as calls of the sample would be a false alarm.
    matched = [(row, before.get(_key(row))) for row in after]
    grown = [(row, old or {}) for row, old in matched if old is not None or int(row["known_for"]) <= over + SLACK]
    ended = {_key(row): (row, old) for row, old in grown if _grown(row, old, "calls") > 0}
    usual = _before(db, {key: old for key, (_, old) in ended.items()}, running)
    keys = dict.fromkeys((*ended, *running))
    times = {key: _time(*ended.get(key, ({}, {})), running.get(key, {})) for key in keys}
    total = sum(times.values())
    ordered = sorted(keys, key=lambda key: -times[key])[:SHAPES]
    named = _workloads(db, ordered)
    return StatementDigests(
        known=True,
        over=over,
        time=round(total, 3),
        calls=sum(_grown(row, old, "calls") for row, old in ended.values()),
        statements=tuple(
            replace(
                _digest(key, times[key], total, ended.get(key, ({}, {})), running.get(key, {}), usual.get(key, {})),
                workload=named.get(key, ""),
            )
            for key in ordered
        ),
        unsure=len(matched) - len(grown),
        overflowed=any(not digest for _, digest in ended),
        complete=len(after) < MOST_DIGESTS,
    )


def _key(row: Row) -> Key:
    return str(row["db"]), str(row["digest"])


def _merged(rows: Sequence[Row]) -> Mapping[Key, Row]:
    """Returns the running statements by digest or, without one, by their normalized text."""
    found: dict[Key, dict[str, Any]] = {}
    for row in rows:
        text = normalise(str(row["text"]))
        merged = found.setdefault((str(row["db"]), str(row["digest"]) or text), {"text": text, "longest": 0})
        merged["longest"] = max(merged["longest"], int(row["longest"]))
        for name in ("running", "waited", "examined", "sent", "no_index"):
            merged[name] = int(merged.get(name, 0)) + int(row[name])
    return found


def _before(db: MySQL, known: Mapping[Key, Row], running: Mapping[Key, Row]) -> Mapping[Key, Row]:
    """Returns what each digest took before the first sample; for those that run on, this is read now."""
    missing = sorted({digest for schema, digest in running if (schema, digest) not in known})[:100]
    if not missing:
        return known
    rows = db.rows(BEFORE.format(listed=placeholders(missing)), missing)
    return {**{_key(row): row for row in rows}, **known}


def _workloads(db: MySQL, keys: Sequence[Key]) -> Mapping[Key, str]:
    """Returns the workload of one call of each digest; MySQL 5.7 and MariaDB keep no sample."""
    digests = sorted({digest for _, digest in keys if digest})
    if not digests or db.version.is_mariadb or not db.version.at_least(8, 0, 3):
        return {}
    rows = db.rows(SAMPLES.format(listed=placeholders(digests)), digests)
    return {_key(row): workload_of(str(row["sample"] or "")) for row in rows}


def _grown(row: Row, old: Row, name: str) -> int:
    return max(0, int(row.get(name, 0)) - int(old.get(name, 0)))


def _time(row: Row, old: Row, running: Row) -> float:
    return (_grown(row, old, "waited") + int(running.get("waited", 0))) / PICOSECONDS


def _digest(key: Key, time: float, total: float, ended: tuple[Row, Row], running: Row, usual: Row) -> Digest:
    row, old = ended
    calls = _grown(row, old, "calls")
    calls_before, waited_before = int(usual.get("calls", 0)), int(usual.get("waited", 0))
    longest = int(running.get("longest", 0)) / PICOSECONDS
    return Digest(
        database=key[0],
        digest=key[1],
        statement=normalise(str((row or running)["text"])),
        calls=calls,
        running=int(running.get("running", 0)),
        longest=round(longest, 3),
        time=round(time, 3),
        share=percent(time, total),
        average=round(_time(row, old, {}) / calls if calls else longest, 6),
        average_before=round(waited_before / PICOSECONDS / calls_before, 6) if calls_before else 0.0,
        rows_examined=_grown(row, old, "examined") + int(running.get("examined", 0)),
        rows_sent=_grown(row, old, "sent") + int(running.get("sent", 0)),
        full_scans=_grown(row, old, "no_index") + int(running.get("no_index", 0)),
        errors=_grown(row, old, "errors"),
    )
