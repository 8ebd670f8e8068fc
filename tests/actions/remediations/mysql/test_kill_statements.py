"""mysql.kill_statements: a whole shape of statements dies, in the sessions that were named and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actions.contract import NoUndo, Refused
from actions.diagnostics.mysql.running_statements import running_statements
from actions.killable_sessions import MOST_STATEMENTS
from actions.remediations.mysql.kill_statements import BATCH, KillStatements
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
def test_a_storm_of_more_than_a_batch_dies(notes, primary, client):
    victims = [client(primary, "reports") for _ in range(BATCH + 5)]
    for victim in victims:
        victim.runs(SLOW)
    victims[-1].shows(lambda row: row["Command"] == "Query")
    kill = of(notes, primary)
    assert set(kill.thread_ids) == {victim.id for victim in victims}
    check(notes, primary, kill)
    with reader(notes, primary) as db:
        assert kill.cost(db) == f"{BATCH + 5} statements are killed, and nothing is rolled back."
    assert len(make(notes, primary, kill)) == BATCH + 5
    assert verify(notes, primary, kill).ok


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


def test_the_sessions_are_read_again_before_every_batch():
    """Those that have gone on to another statement by then are left out."""
    ids = tuple(range(1, 2 * BATCH + 1))
    db = Storm(ids)
    made = []
    for each in KillStatements("SELECT ?", ids, 1_772_334_000).change(db):
        made.append(str(each))
        if len(made) == 1:
            db.gone_on = {BATCH, BATCH + 1}
    assert len(made) == 2 * BATCH - 1
    assert made[BATCH - 1 :] == [f"KILL QUERY {each}" for each in ids[BATCH - 1 :] if each != BATCH + 1]


class Storm(Recorded):
    """A server whose sessions run one statement; those that have gone on run another one."""

    def __init__(self, ids: tuple[int, ...]) -> None:
        super().__init__(MYSQL_97, {})
        self.ids, self.gone_on = ids, set[int]()

    def rows(self, sql, params=(), *, limit=200, costly=False):
        """Returns the sessions that are asked for."""
        return [
            {
                "id": each, "user": "app", "command": "Query", "state": "executing", "qid": 0, "since": 1_772_334_000,
                "info": "SELECT 2 FROM t" if each in self.gone_on else "SELECT 1", "started": None, "modified": 0,
                "trx_state": "", "ours": 0,
            }
            for each in self.ids
            if each in params
        ]  # fmt: skip


@pytest.mark.parametrize("ids", [(), tuple(range(MOST_STATEMENTS + 1))], ids=["none", "too many"])
def test_the_number_is_bounded(ids):
    with pytest.raises(Refused, match=f"1 to {MOST_STATEMENTS} may be killed at once"):
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
