"""mysql.statement_digests: where the time goes now, by the difference of two looks."""

from __future__ import annotations

import secrets

import pytest

from actions.diagnostics.mysql.statement_digests import StatementDigests, statement_digests
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

    def __init__(self, version, before, after):
        super().__init__(version, {"GLOBAL VARIABLES": named(performance_schema="ON"), "by_digest": before})
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
    busy.runs(f"SELECT SLEEP(2.5) AS {name}, note FROM notes WHERE id = 3")
    with reader(notes, primary) as db:
        found = statement_digests(db, over=3.5)
    assert found.known
    assert any(name in each.statement and each.calls == 1 and each.time >= 2.4 for each in found.statements)
