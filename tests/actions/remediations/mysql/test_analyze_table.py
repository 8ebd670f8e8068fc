"""mysql.analyze_table: statistics are renewed, unless somebody uses the table for long."""

from __future__ import annotations

import pytest

from actions.contract import NoUndo, Refused
from actions.remediations.mysql.analyze_table import AnalyzeTable
from bot.lab.connections import administrator, ask
from bot.lab.database_users import CHANGER
from tests.actions.hands import check, make, undo_of, verify


@pytest.fixture
def granted(primary):
    """The rights on tables that this action alone asks for, for a while."""
    with administrator(primary) as admin:
        ask(admin, f"GRANT SELECT, INSERT ON shop.* TO '{CHANGER}'@'%'")
        ask(admin, f"GRANT SELECT ON mysql.innodb_table_stats TO '{CHANGER}'@'%'")
    yield primary
    with administrator(primary) as admin:
        ask(admin, f"REVOKE SELECT, INSERT ON shop.* FROM '{CHANGER}'@'%'")
        ask(admin, f"REVOKE SELECT ON mysql.innodb_table_stats FROM '{CHANGER}'@'%'")


@pytest.mark.lab
def test_the_statistics_are_newer(notes, granted):
    analyze = AnalyzeTable("shop", "notes", "2000-01-01 00:00:00")
    check(notes, granted, analyze)
    assert make(notes, granted, analyze) == ["ANALYZE NO_WRITE_TO_BINLOG TABLE `shop`.`notes`"]
    assert verify(notes, granted, analyze).ok
    with pytest.raises(NoUndo, match="are not kept"):
        undo_of(notes, granted, analyze)


@pytest.mark.lab
def test_statistics_that_are_as_old_as_before_are_a_failed_change(notes, granted):
    verdict = verify(notes, granted, AnalyzeTable("shop", "notes", "2999-01-01 00:00:00"))
    assert not verdict.ok


@pytest.mark.lab
def test_a_long_statement_on_the_table_is_waited_for(notes, granted, client, monkeypatch):
    monkeypatch.setattr("actions.remediations.mysql.analyze_table.LONG", 0.0)
    client(granted, "reports").runs("SELECT SLEEP(20), note FROM notes WHERE id = 4")
    with pytest.raises(Refused, match="all later statements would wait for that session"):
        check(notes, granted, AnalyzeTable("shop", "notes"))
    check(notes, granted, AnalyzeTable("shop", "heartbeat"))


@pytest.mark.lab
def test_a_table_that_is_not_there(notes, granted):
    with pytest.raises(Refused, match=r"has no persistent statistics of shop\.nothing"):
        check(notes, granted, AnalyzeTable("shop", "nothing"))
