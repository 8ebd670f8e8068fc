"""mysql.kill_statements: a whole shape of statements dies, in the sessions that were named and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actions.contract import NoUndo, Refused
from actions.diagnostics.mysql.running_statements import running_statements
from actions.remediations.mysql.kill_statements import MOST, KillStatements
from tests.actions.hands import check, make, reader, undo_of, verify
from tests.recorded import MYSQL_97, Recorded

SLOW = "SELECT note FROM notes WHERE SLEEP(2) = 0 AND id > 4"
"""Sixteen rows. A lone SLEEP that is interrupted is a good answer in MySQL (manual, Miscellaneous Functions)."""


def of(lab, instance) -> KillStatements:
    """The remediation for the most frequent shape that runs now."""
    with reader(lab, instance) as db:
        shape = next(each for each in running_statements(db).shapes if "SLEEP" in each.statement)
    return KillStatements(shape.statement, shape.stoppable, shape.began_until)


@pytest.mark.lab
def test_all_of_the_shape_die_and_their_sessions_stay(notes, primary, client):
    victims = [client(primary, "reports") for _ in range(3)]
    for victim in victims:
        victim.runs(SLOW)
    other = client(primary)
    other.runs("SELECT SLEEP(20), id FROM notes WHERE id = 4")
    kill = of(notes, primary)
    assert set(kill.thread_ids) == {victim.id for victim in victims}
    check(notes, primary, kill)
    assert len(make(notes, primary, kill)) == 3
    assert verify(notes, primary, kill).ok
    assert [victim.ends_with() for victim in victims] == [1317] * 3
    assert all(victim.alive() for victim in victims)
    other.shows(lambda row: row["Command"] == "Query")


@pytest.mark.lab
def test_one_that_ended_meanwhile_is_left_out(notes, primary, client):
    gone, victim = client(primary, "reports"), client(primary, "reports")
    for each in (gone, victim):
        each.runs(SLOW)
    kill = of(notes, primary)
    gone.close()
    check(notes, primary, kill)
    assert len(make(notes, primary, kill)) == 1
    assert victim.ends_with() == 1317


@pytest.mark.lab
def test_a_statement_that_began_later_is_another_one(notes, primary, client):
    victim = client(primary, "reports")
    victim.runs(SLOW)
    kill = replace(of(notes, primary), began_until=1_700_000_000)
    with pytest.raises(Refused, match="still runs that statement"):
        check(notes, primary, kill)
    assert make(notes, primary, kill) == []
    victim.shows(lambda row: row["Command"] == "Query")


@pytest.mark.lab
def test_statements_that_still_run_are_a_failed_change(notes, primary, client, monkeypatch):
    monkeypatch.setattr(KillStatements, "settles_within", 0.3)
    client(primary, "reports").runs(SLOW)
    verdict = verify(notes, primary, of(notes, primary))
    assert not verdict.ok
    assert "1 of 1 statements are still running" in verdict.says


@pytest.mark.parametrize("ids", [(), tuple(range(MOST + 1))], ids=["none", "too many"])
def test_the_number_is_bounded(ids):
    with pytest.raises(Refused, match=f"1 to {MOST} may be killed at once"):
        KillStatements("SELECT ?", ids, 1).check(Recorded(MYSQL_97, {}))


def test_without_its_text_nothing_is_killed():
    with pytest.raises(Refused, match="The text of the statement is missing"):
        KillStatements("", (1,), 1).check(Recorded(MYSQL_97, {}))


@pytest.mark.lab
def test_protected_ones_are_never_killed(notes, primary, client):
    dump = client(primary, "backup")
    dump.runs(SLOW)
    with pytest.raises(Refused, match="is protected"):
        check(
            notes,
            primary,
            KillStatements("SELECT note FROM notes WHERE SLEEP(?) = ? AND id > ?", (dump.id,), 2_000_000_000),
        )


@pytest.mark.lab
def test_there_is_no_way_back(notes, primary, client):
    client(primary, "reports").runs(SLOW)
    with pytest.raises(NoUndo, match="cannot be resumed"):
        undo_of(notes, primary, of(notes, primary))
