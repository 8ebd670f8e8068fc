"""Evidence as text: numbers with units, durations in words, and every field in the file."""

from __future__ import annotations

from bot.engine.gather_evidence import as_json
from bot.engine.run import RunState, Step, StepStatus
from bot.slack import evidence_text as evidence
from tests.samples import run

TRANSACTION = {"thread_id": 42, "user": "app", "age": 725.0, "rows_modified": 12345, "statement": "UPDATE t SET a = ?"}


def step(use: str, seen: object, on: str = "target") -> Step:
    return Step("seen", use, on, StepStatus.DONE, took=0.031, evidence=as_json(seen))


def test_a_cell_shows_numbers_with_their_units():
    found = step("mysql.binary_logs", {"enabled": True, "logs": 1200, "size": 5 * 2**30, "expire_after": 259200.0})
    assert evidence.summary(found) == "enabled · logs 1,200 · size 5.0 GiB · expire after 3 d"


def test_a_unix_time_is_shown_as_a_date():
    found = step("vitess.tablet_status", {"primary_since": 1_772_366_400.0, "uptime": 90.0})
    assert evidence.summary(found) == "primary since 2026-03-01 12:00:00 UTC · uptime 1 min 30 s"
    assert evidence.summary(step("vitess.tablet_status", {"primary_since": 1e300})) == "primary since 1e+300"


def test_items_of_a_list_have_units():
    found = step("mysql.long_transactions", {"transactions": [TRANSACTION], "oldest": 725.0})
    assert evidence.summary(found) == (
        "1 transactions (thread id 42, user app, age 12 min 5 s, rows modified 12,345, statement UPDATE t SET a = ?)"
        " · oldest 12 min 5 s"
    )


def test_the_file_contains_every_field_of_every_item():
    seen = step("mysql.long_transactions", {"transactions": [TRANSACTION] * 2, "oldest": 725.0})
    skipped = Step("later", "mysql.wait_graph", "primary", StepStatus.SKIPPED, says="not needed")
    text = evidence.document(run(state=RunState.DIAGNOSED, steps=(seen, skipped)))
    assert text.splitlines()[4:] == [
        "seen  (mysql.long_transactions on orders-3, 31 ms)",
        "  transactions",
        "    - thread id      42",
        "      user           app",
        "      age            12 min 5 s",
        "      rows modified  12,345",
        "      statement      UPDATE t SET a = ?",
        "    - thread id      42",
        "      user           app",
        "      age            12 min 5 s",
        "      rows modified  12,345",
        "      statement      UPDATE t SET a = ?",
        "  oldest        12 min 5 s",
        "",
        "later  (mysql.wait_graph on primary of orders)",
        "  skipped: not needed",
    ]


def test_evidence_of_a_removed_diagnostic_is_still_shown():
    assert evidence.summary(step("mysql.gone", {"found": 3, "where": ["a"]})) == "found 3 · 1 where (a)"


def test_a_long_file_is_truncated_with_a_note():
    long = step("mysql.gone", {"items": [{"text": "x" * 1900}] * 300})
    text = evidence.document(run(state=RunState.DIAGNOSED, steps=(long,)))
    assert "… 100 more" in text or "… truncated after 200,000 characters" in text
    assert len(text) < 201_000
