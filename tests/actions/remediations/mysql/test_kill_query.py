"""mysql.kill_query: the statement dies, the session lives, and nothing else is ever hit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actions import killable_sessions, sessions
from actions.contract import NoUndo, Refused
from actions.remediations.mysql.kill_query import KillQuery
from tests.actions.hands import check, make, reader, seen, undo_of, verify
from tests.recorded import MARIADB_1011, MYSQL_97, Recorded

SLOW = "SELECT id, SLEEP(20), 'secret' FROM notes"
ROW = {
    "id": 41,
    "user": "reports",
    "command": "Query",
    "state": "executing",
    "qid": 0,
    "since": 1_700_000_000,
    "info": "UPDATE t SET a = 5",
    "started": "2026-03-01 03:00:00",
    "modified": 3,
    "trx_state": "RUNNING",
    "ours": 0,
}
KILL = KillQuery(thread_id=41, user="reports", statement="UPDATE t SET a = ?", command_since=1_700_000_001)


def server(version=MYSQL_97, **changes):
    return Recorded(version, {"p.ID IN (%s)": [{**ROW, **changes}]})


def of(lab, instance, session, **changes):
    """The remediation for what a session runs now, as a diagnostic would describe it."""
    found = seen(lab, instance, session.id)
    return replace(KillQuery(session.id, found.user, found.statement, found.command_since), **changes)


@pytest.mark.lab
def test_the_statement_is_killed_and_its_session_stays(notes, primary, client):
    victim = client(primary, "reports")
    victim.runs(SLOW)
    kill = of(notes, primary, victim)
    assert kill.statement == "SELECT id, SLEEP(?), ? FROM notes"
    check(notes, primary, kill)
    (made,) = make(notes, primary, kill)
    verdict = verify(notes, primary, kill)
    assert verdict.ok
    assert "has ended" in verdict.says
    assert victim.ends_with() == 1317
    assert victim.alive()
    if primary.flavour == "mariadb":
        assert made.startswith("KILL QUERY ID ")
        assert made != f"KILL QUERY ID {victim.id}"
    else:
        assert made == f"KILL QUERY {victim.id}"


@pytest.mark.lab
def test_a_statement_that_was_not_killed_is_a_failed_change(notes, primary, client, monkeypatch):
    monkeypatch.setattr(KillQuery, "settles_within", 0.3)
    victim = client(primary, "reports")
    victim.runs(SLOW)
    verdict = verify(notes, primary, of(notes, primary, victim))
    assert not verdict.ok
    assert "still runs the statement. Check its state in SHOW PROCESSLIST" in verdict.says


@pytest.mark.lab
def test_another_statement_of_the_same_session_is_not_hit(notes, primary, client):
    victim = client(primary, "reports")
    victim.runs(SLOW)
    kill = of(notes, primary, victim)
    for wrong in (
        replace(kill, statement="SELECT ?"),
        replace(kill, command_since=kill.command_since - 10),
        replace(kill, user="app"),
    ):
        with pytest.raises(Refused, match=r"no longer runs that statement\. Press Try again"):
            make(notes, primary, wrong)
    victim.shows(lambda row: row["Command"] == "Query")


@pytest.mark.lab
def test_an_idle_or_a_gone_session_is_refused(notes, primary, client):
    idle = client(primary, "reports")
    with pytest.raises(Refused, match="no longer runs that statement"):
        check(notes, primary, KillQuery(idle.id, "reports", "", 0))
    with pytest.raises(Refused, match="has ended; there is nothing to kill"):
        check(notes, primary, KillQuery(999_999_999, "reports", "SELECT ?", 0))


@pytest.mark.lab
def test_ddl_that_waits_is_never_killed(notes, primary, client):
    holder = client(primary)
    holder.begin()
    holder.ask("SELECT COUNT(*) FROM notes")
    ddl = client(primary, "deploy")
    ddl.runs("ALTER TABLE notes COMMENT 'x'", until="metadata lock")
    with pytest.raises(Refused, match="DDL or maintenance"):
        check(notes, primary, of(notes, primary, ddl))


@pytest.mark.lab
def test_what_a_rollback_would_cost_is_bounded(notes, primary, client, monkeypatch):
    monkeypatch.setattr(killable_sessions, "MOST_ROWS_MODIFIED", 5)
    writer = client(primary)
    writer.begin()
    writer.ask("UPDATE notes SET note = CONCAT(note, '!')")
    writer.runs(SLOW)
    seen(notes, primary, writer.id, lambda session: session.rows_modified == 20)
    with pytest.raises(Refused, match="has modified 20 rows"):
        check(notes, primary, of(notes, primary, writer))


@pytest.mark.lab
def test_a_backup_is_never_killed(notes, primary, client):
    dump = client(primary, "reports")
    dump.runs("SELECT /*!40001 SQL_NO_CACHE */ id, SLEEP(20) FROM notes")
    with pytest.raises(Refused, match="reads a table for a backup"):
        check(notes, primary, of(notes, primary, dump))


@pytest.mark.lab
def test_ones_own_sessions_are_never_killed(notes, primary):
    with reader(notes, primary) as db:
        (own,) = db.rows("SELECT CONNECTION_ID() AS id")
        found = sessions.read(db, own["id"])
        assert found is not None
        assert found.ours
        with pytest.raises(Refused, match="is protected"):
            killable_sessions.refuse_protected(found)


@pytest.mark.lab
def test_replication_is_never_killed(notes, primary):
    with reader(notes, primary) as db:
        dumps = db.rows(
            "SELECT ID AS id, USER AS user FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog%%'",
            (),
        )
        found = sessions.read(db, dumps[0]["id"])
        assert found is not None
        with pytest.raises(Refused, match="is protected"):
            killable_sessions.refuse_protected(found)


@pytest.mark.lab
def test_a_killed_statement_cannot_be_undone(notes, primary, client):
    victim = client(primary, "reports")
    victim.runs(SLOW)
    with pytest.raises(NoUndo, match="cannot be resumed"):
        undo_of(notes, primary, of(notes, primary, victim))


def test_mariadb_kills_the_number_of_the_statement():
    db = server(MARIADB_1011, qid=813)
    assert [str(s) for s in KILL.change(db)] == ["KILL QUERY ID 813"]
    assert "p.QUERY_ID AS qid" in db.asked[0][0]


def test_mysql_kills_the_session_that_was_read_just_before():
    db = server()
    change = KILL.change(db)
    assert str(next(change)) == "KILL QUERY 41"
    assert len(db.asked) == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"user": "repl", "info": "SELECT 1"}, "no longer runs that statement"),
        ({"command": "Killed"}, "was killed already and is rolling back"),
        ({"trx_state": "ROLLING BACK"}, "was killed already and is rolling back"),
        ({"ours": 1}, "is protected"),
        ({"modified": 100_001}, "has modified 100,001 rows"),
        ({"command": "Sleep", "info": ""}, "no longer runs that statement"),
        ({"since": 1_700_000_004}, "no longer runs that statement"),
    ],
)
def test_refusals(changes, says):
    with pytest.raises(Refused, match=says):
        KILL.check(server(**changes))


def test_only_users_that_fit_a_pattern_are_killed_where_patterns_are_given():
    replace(KILL, only_users="batch, rep*").check(server())
    with pytest.raises(Refused, match=r"the runbook allows only the users batch\*"):
        replace(KILL, only_users="batch*").check(server())


def test_a_rollback_is_waited_for_and_never_killed_again():
    verdict = KILL.verify(server(command="Killed", info="UPDATE t SET a = 5"))
    assert not verdict.ok
    assert not verdict.settled
    assert "do not kill it again" in verdict.says


def test_it_worked_when_the_session_is_gone_or_does_something_else():
    assert KILL.verify(Recorded(MYSQL_97, {"p.ID IN (%s)": []})).ok
    assert KILL.verify(server(info="SELECT 2")).ok
    assert KILL.verify(server(command="Sleep", info="")).ok
