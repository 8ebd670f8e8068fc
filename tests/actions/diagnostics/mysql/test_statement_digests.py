"""mysql.statement_digests: where the time goes now, by the difference of two looks."""

from __future__ import annotations

import secrets

import pytest

from actions.diagnostics.mysql.statement_digests import MOST_DIGESTS, StatementDigests, statement_digests
from tests.actions.hands import reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, Recorded, named

SECOND = 10**12


def row(digest: str, calls: int, seconds: float, **values: object):
    return {
        "db": "shop",
        "digest": digest,
        "text": f"SELECT `{digest}` FROM `t` WHERE `id` = ?",
        "calls": calls,
        "waited": int(seconds * SECOND),
        "examined": 0,
        "sent": 0,
        "no_index": 0,
        "on_disk": 0,
        "errors": 0,
        "known_for": 0,
        **values,
    }


class Growing(Recorded):
    """A server whose digests are others at the second look."""

    def __init__(self, version, before, after, running=(), usual=()):
        answers = {
            "GLOBAL VARIABLES": named(performance_schema="ON"),
            "events_statements_current": running,
            "PROCESSLIST": running,
            "QUERY_SAMPLE_TEXT": [{"db": "shop", "digest": "slow", "sample": "SELECT 1 /*job='purge'*/"}],
            "WHERE DIGEST IN": usual,
            "by_digest": before,
        }
        super().__init__(version, answers)
        self.after = after

    def pause(self, seconds):
        super().pause(seconds)
        self.answers["by_digest"] = self.after


@pytest.mark.parametrize("version", [MYSQL_57, MYSQL_97, MARIADB_1011], ids=str)
def test_what_grew_is_what_counts(version):
    before = [row("old", 1_000_000, 90_000), row("slow", 100, 1.0)]
    after = [
        row("old", 1_000_000, 90_000),
        row("slow", 110, 9.0, examined=50_000, sent=10, no_index=10),
        row("new", 4, 2.0),
    ]
    found = statement_digests(Growing(version, before, after), over=1.5)
    assert (found.known, found.over, found.time, found.calls) == (True, 1.5, 10.0, 14)
    first, second = found.statements
    assert (first.digest, first.calls, first.time, first.share) == ("slow", 10, 8.0, 80.0)
    assert (first.average, first.average_before) == (0.8, 0.01)
    assert first.slower
    assert first.scans
    assert (second.digest, second.average_before, second.slower, second.scans) == ("new", 0.0, False, False)
    assert first.statement == "SELECT `slow` FROM `t` WHERE `id` = ?"
    assert (first.workload, second.workload) == ("job:purge" if version is MYSQL_97 else "", "")


RUNS_ON = {
    "db": "shop",
    "digest": "long",
    "text": "SELECT `long`",
    "running": 4,
    "longest": 40 * SECOND,
    "waited": 4 * SECOND,
    "examined": 9_000_000,
    "sent": 0,
    "no_index": 4,
}


def test_statements_that_do_not_end_within_the_look_are_seen():
    usual = [{"db": "shop", "digest": "long", "calls": 10, "waited": 20 * SECOND}]
    before, after = [row("short", 1, 1.0)], [row("short", 11, 2.0)]
    found = statement_digests(Growing(MYSQL_97, before, after, [RUNS_ON], usual))
    first = found.statements[0]
    assert (first.digest, first.running, first.longest, first.calls) == ("long", 4, 40.0, 0)
    assert (first.time, first.share, found.time) == (4.0, 80.0, 5.0)
    assert (first.average, first.average_before, first.slower, first.scans) == (40.0, 2.0, True, True)


def test_a_digest_that_ends_and_runs_on_is_one():
    before = [row("long", 10, 20.0)]
    found = statement_digests(Growing(MYSQL_97, before, [row("long", 11, 50.0)], [RUNS_ON]))
    (only,) = found.statements
    assert (only.calls, only.running, only.time, only.average, only.average_before) == (1, 4, 34.0, 30.0, 2.0)


def test_more_digests_than_are_compared_are_never_an_all_clear():
    many = [row(f"d{number}", 1, 1.0) for number in range(MOST_DIGESTS)]
    assert statement_digests(Growing(MYSQL_97, many[:-1], many[:-1])).complete
    assert not statement_digests(Growing(MYSQL_97, many, many)).complete


def test_a_shape_that_rested_for_more_than_a_minute_does_not_bring_all_its_calls_since_the_start():
    after = [row("nightly", 1_000_000, 90_000, known_for=86_400), row("new", 2, 3.0, known_for=1)]
    found = statement_digests(Growing(MYSQL_97, [], after))
    assert [(each.digest, each.calls) for each in found.statements] == [("new", 2)]
    assert (found.time, found.unsure) == (3.0, 1)


def test_a_counter_that_was_reset_meanwhile_is_no_negative_time():
    found = statement_digests(Growing(MYSQL_97, [row("a", 100, 9.0)], [row("a", 3, 1.0)]))
    assert found.statements == ()


def test_shapes_without_a_digest_say_that_the_table_is_full():
    assert statement_digests(Growing(MYSQL_97, [row("", 1, 1.0)], [row("", 9, 2.0)])).overflowed


def test_where_performance_schema_is_off_nothing_is_claimed():
    db = Recorded(MARIADB_1011, {"GLOBAL VARIABLES": named(performance_schema="OFF")})
    assert statement_digests(db) == StatementDigests()
    assert len(db.asked) == 1


@pytest.mark.lab
def test_a_real_statement_that_ends_between_the_two_looks(notes, primary, client):
    busy = client(primary, "reports")
    name = f"nap_{secrets.token_hex(4)}"  # a shape of its own: one that ran before would be left out
    busy.runs(f"SELECT SLEEP(2.5) AS {name}, note FROM notes WHERE id = 3 /*job='purge'*/")
    with reader(notes, primary) as db:
        found = statement_digests(db, over=3.5)
    assert found.known
    (nap,) = [each for each in found.statements if name in each.statement]
    assert nap.calls == 1
    assert nap.time >= 2.4
    # MariaDB keeps no sample of a digest.
    assert nap.workload == ("job:purge" if primary.flavour == "mysql" else "")


@pytest.mark.lab
def test_a_real_statement_that_outlasts_both_looks(notes, primary, client):
    busy = client(primary, "reports")
    name = f"nap_{secrets.token_hex(4)}"
    busy.runs(f"SELECT SLEEP(20) AS {name}, note FROM notes WHERE id = 3")
    with reader(notes, primary) as db:
        db.pause(1.2)
        found = statement_digests(db)
    (nap,) = [each for each in found.statements if name in each.statement]
    assert (nap.calls, nap.running) == (0, 1)
    assert nap.longest >= 2.0
    assert nap.time == 1.0


@pytest.mark.lab
def test_our_own_statements_are_left_out(notes, primary):
    with reader(notes, primary) as other, reader(notes, primary) as db:
        for _ in range(20):
            other.rows("SELECT COUNT(*) AS firstmate_counts FROM information_schema.COLUMNS")
        found = statement_digests(db, over=0.1)
        known = db.rows(
            "SELECT COUNT(*) AS n FROM performance_schema.events_statements_summary_by_digest "
            "WHERE DIGEST_TEXT LIKE '%firstmate_counts%' AND SCHEMA_NAME = 'information_schema'"
        )
    assert known[0]["n"] >= 1
    assert not any("by_digest" in each.statement or "firstmate_counts" in each.statement for each in found.statements)
