"""Secrets are hidden before anything is kept; what else there is stays as it is."""

from __future__ import annotations

import pytest

from bot.store import audit_log
from bot.store.audit_redaction import redacted
from bot.store.database import Database
from bot.store.run_store import RunStore

TOKEN = "-".join(("xoxb", "1234567890", "abcdefABCDEF"))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"the token is {TOKEN}, hide it", "the token is ***, hide it"),
        ("Authorization: Bearer abc.def-123456", "Authorization: Bearer ***"),
        ("postgresql://me:s3cr3t@db/x does not answer", "postgresql://***@db/x does not answer"),
        ("ALTER USER x IDENTIFIED BY 'it''s mine' now", "ALTER USER x IDENTIFIED BY *** now"),
        ("SET PASSWORD='hunter2'", "SET PASSWORD=***"),
        ("password=hunter2 and more", "password=*** and more"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----", "***"),
        ("SET GLOBAL `max_connections` = 120", "SET GLOBAL `max_connections` = 120"),
        ("https://prometheus:9090/graph?g0.expr=up", "https://prometheus:9090/graph?g0.expr=up"),
        ("the password of nobody is shown", "the password of nobody is shown"),
        ("<@U0BOB> asked at 10:00", "<@U0BOB> asked at 10:00"),
    ],
)
def test_a_secret_is_hidden_and_the_rest_is_not(text: str, kept: str):
    assert redacted(text) == kept


def test_it_goes_as_deep_as_the_value_does():
    assert redacted({"a": [{"b": ("password=x", 7)}], "c": None}) == {"a": [{"b": ["password=***", 7]}], "c": None}


def test_no_event_of_the_audit_log_keeps_a_secret(store: RunStore, database: Database):
    store.audit("request.refused", actor="U0BOB", subject=f"/mate halt {TOKEN}", reason=f"{TOKEN} is no scope")
    with database.reading() as connection:
        [row] = audit_log.entries(connection)
    assert TOKEN not in row.data + row.subject
    assert row.computed() == row.hash
