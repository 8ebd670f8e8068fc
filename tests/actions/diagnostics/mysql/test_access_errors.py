"""mysql.access_errors: who is turned away, where the server keeps account."""

from __future__ import annotations

from contextlib import suppress

import pymysql
import pytest

from actions.diagnostics.mysql.access_errors import access_errors
from bot.lab.connections import connect
from bot.lab.lab_state import Login
from tests.actions.hands import reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, Recorded, named

ERROR = {"user": "app", "host": "10.0.0.7", "errno": 1142, "raised": 900, "age": 2}
HOST = {"host": "app1", "refused": 900, "errors": 0, "blocked": 0}


@pytest.mark.parametrize(
    ("version", "known"), [(MYSQL_57, False), (MYSQL_97, True), (MARIADB_1011, False)], ids=["5.7", "9.7", "mariadb"]
)
def test_errors_by_account_in_words(version, known):
    counters = named(Aborted_connects=7, Access_denied_errors=5)
    db = Recorded(version, {"GLOBAL STATUS": counters, "by_account_by_error": [ERROR], "host_cache": [HOST]})
    found = access_errors(db)
    assert (found.known, found.aborted_connects, found.denied, found.new) == (known, 7, 5, 0)
    assert [(each.user, each.says) for each in found.errors] == ([("app", "no right on the table")] if known else [])
    assert [(each.host, each.refused) for each in found.hosts] == [("app1", 900)]


@pytest.mark.lab
def test_a_real_wrong_password_and_a_right_that_is_missing(notes, primary, client):
    for _ in range(3):
        with suppress(pymysql.err.OperationalError):
            connect(primary.host, primary.port, Login("app", "wrong"))
    with pytest.raises(pymysql.err.OperationalError):
        client(primary, "reports").ask("DELETE FROM notes WHERE id = 0")
    with reader(notes, primary) as db:
        found = access_errors(db)
    assert found.aborted_connects >= 3
    if primary.flavour == "mysql":
        errors = {(each.errno, each.user) for each in found.errors}
        assert (1142, "reports") in errors
        assert 1045 in {errno for errno, _ in errors}
    else:
        assert found.denied >= 3
