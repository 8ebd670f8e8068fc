"""How many deadlocks occurred, and which transactions were in the last one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from actions.contract import Cost, Count, Flavour, MySQL, Seconds, diagnostic
from actions.statement_redaction import normalise
from actions.status_counters import number, on, status, variables

_SECTION = re.compile(r"LATEST DETECTED DEADLOCK\n-+\n(?P<text>.*?)(?=\n-{4,}\n[A-Z ]+\n-{4,}|\Z)", re.DOTALL)
_AT = re.compile(r"(\d{4}-\d\d-\d\d \d\d?:\d\d:\d\d)")
_PARTY = re.compile(r"^\*\*\* \((\d+)\) TRANSACTION:", re.MULTILINE)
_THREAD = re.compile(r"^(?:MySQL|MariaDB) thread id (\d+), .*?query id \d+ (.*)$", re.MULTILINE)
_WAITS = re.compile(r"WAITING FOR THIS LOCK TO BE GRANTED:\n.*?index (\S+) of table (\S+)", re.DOTALL)
_VICTIM = re.compile(r"WE ROLL BACK TRANSACTION \((\d+)\)")


@dataclass(frozen=True, slots=True)
class DeadlockParty:
    """One transaction of the last deadlock."""

    thread_id: int
    """The session's id; 0 if unknown."""
    user: str
    """The session's user."""
    statement: str
    """The statement, with literals as `?`."""
    waited_for: str
    """The table and index of the lock that it waited for."""
    victim: bool
    """Whether it was rolled back."""


@dataclass(frozen=True, slots=True)
class Deadlocks:
    """Deadlocks since the server started, and the last one."""

    total: Count = 0
    """Deadlocks since the server started."""
    new: Count = 0
    """Deadlocks during the one-second sample."""
    last_at: str = ""
    """When the last one occurred, in the server's time zone; '' if there was none."""
    age: Seconds | None = None
    """Time since the last one; empty if there was none."""
    parties: tuple[DeadlockParty, ...] = ()
    """The transactions of the last deadlock."""
    same_statement: bool = False
    """Whether all of them ran the same statement with different values: they lock the same rows in different orders."""
    all_logged: bool = False
    """Whether innodb_print_all_deadlocks writes every deadlock to the error log."""


@diagnostic(cost=Cost.LOW, needs={Flavour.MYSQL: ("PROCESS",), Flavour.MARIADB: ("PROCESS",)})
def deadlocks(db: MySQL) -> Deadlocks:
    """Samples the deadlock counter twice, and reads the last deadlock from SHOW ENGINE INNODB STATUS."""
    before = _total(db)
    rows = db.rows("SHOW ENGINE INNODB STATUS")
    logged = on(variables(db, "innodb_print_all_deadlocks"), "innodb_print_all_deadlocks")
    now = db.rows("SELECT NOW() AS now")[0]["now"]
    db.pause(1.0)
    total = _total(db)
    at, parties = parse_deadlock(str(rows[0]["Status"]) if rows else "")
    return Deadlocks(
        total=total,
        new=total - before,
        last_at=at,
        age=_age(at, now),
        parties=parties,
        same_statement=len(parties) > 1 and len({party.statement for party in parties}) == 1,
        all_logged=logged,
    )


def parse_deadlock(text: str) -> tuple[str, tuple[DeadlockParty, ...]]:
    """Returns when the last deadlock of an InnoDB status occurred, and its transactions."""
    section = _SECTION.search(text)
    if section is None:
        return "", ()
    found = section["text"]
    at = _AT.search(found)
    victim = _VICTIM.search(found)
    starts = list(_PARTY.finditer(found))
    ends = [each.start() for each in starts[1:]] + [len(found)]
    parties = tuple(
        _parse_party(found[start.start() : end], victim is not None and victim[1] == start[1])
        for start, end in zip(starts, ends, strict=True)
    )
    return at[1] if at else "", parties


def _parse_party(text: str, victim: bool) -> DeadlockParty:
    thread, waits = _THREAD.search(text), _WAITS.search(text)
    after = text[thread.end() :].split("\n*** ")[0] if thread else ""
    statement = after.split("\nRECORD LOCKS")[0].split("\nTABLE LOCK")[0]
    # `localhost 127.0.0.1 app updating`: host, address, user and state; the host may be missing.
    words = thread[2].split() if thread else []
    user = next((word for word in words if not re.search(r"[.:]|localhost", word)), "")
    return DeadlockParty(
        thread_id=int(thread[1]) if thread else 0,
        user=user,
        statement=normalise(statement.strip()),
        waited_for=f"{waits[2]} {waits[1]}".replace("`", "") if waits else "",
        victim=victim,
    )


def _total(db: MySQL) -> int:
    if db.version.is_mariadb:
        return number(status(db, "Innodb_deadlocks"), "Innodb_deadlocks")
    rows = db.rows("SELECT COUNT AS total FROM information_schema.INNODB_METRICS WHERE NAME = 'lock_deadlocks'")
    return int(rows[0]["total"]) if rows else 0


def _age(at: str, now: object) -> float | None:
    if not at or not isinstance(now, datetime):
        return None
    return (now - datetime.strptime(at, "%Y-%m-%d %H:%M:%S")).total_seconds()  # noqa: DTZ007 - the server gives no zone
