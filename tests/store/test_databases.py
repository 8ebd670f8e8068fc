"""What is true of one kind of database alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import Busy, ConfigError, Unreachable
from bot.store.postgresql import PostgreSQLDatabase
from bot.store.sqlite import SQLiteDatabase


def test_a_second_process_is_told_who_holds_the_file(tmp_path: Path):
    held = SQLiteDatabase(tmp_path / "data")
    with pytest.raises(Busy, match="in use by process"):
        SQLiteDatabase(tmp_path / "data")
    held.close()
    SQLiteDatabase(tmp_path / "data").close()


@pytest.mark.parametrize("url", ["", "host=db", "mysql://db/x"])
def test_what_is_no_url_of_postgresql_is_told(url: str):
    with pytest.raises(ConfigError, match="`postgresql`"):
        PostgreSQLDatabase(url)


def test_a_server_that_does_not_answer_is_told_without_its_password():
    with pytest.raises(Unreachable, match=r"postgresql://me:\*\*\*@127\.0\.0\.1:1/x does not answer") as error:
        PostgreSQLDatabase("postgresql://me:secret@127.0.0.1:1/x")
    assert "secret" not in str(error.value)
