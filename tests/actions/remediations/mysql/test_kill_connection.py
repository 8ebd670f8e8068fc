"""mysql.kill_connection: the session that holds the locks ends, and never one that came after it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actions import killable_sessions, sessions
from actions.contract import NoUndo, Refused
from actions.remediations.mysql.kill_connection import KillConnection
from tests.actions.hands import check, make, reader, seen, undo_of, verify
from tests.actions.remediations.mysql.test_kill_query import ROW, SLOW
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, Recorded

STARTED = "2026-03-01 03:00:00"
IDLE = {**ROW, "command": "Sleep", "state": "", "info": "", "user": "app"}
KILL = KillConnection(thread_id=41, user="app", transaction_started=STARTED)


def server(version=MYSQL_97, **changes):
    return Recorded(version, {"p.ID IN (%s)": [{**IDLE, **changes}]})


def of(lab, instance, session, **changes):
    """The remediation for a session as a diagnostic would describe it now."""
    found = seen(lab, instance, session.id)
    return replace(KillConnection(session.id, found.user, found.transaction_started), **changes)


def in_transaction(session):
    return session.transaction_started != ""


@pytest.fixture
def holder(notes, primary, client):
    """A session with a row in its hands, and nothing to do."""
    session = client(primary)
    session.begin()
    session.ask("UPDATE notes SET note = 'held' WHERE id = 1")
    seen(notes, primary, session.id, in_transaction)
    return session


# -- on real servers --------------------------------------------------------------------------------------------------


@pytest.mark.lab
def test_the_session_ends_and_those_who_waited_go_on(notes, primary, client, holder):
    waiter = client(primary)
    waiter.runs("UPDATE notes SET note = 'mine' WHERE id = 1")
    kill = of(notes, primary, holder)
    assert kill.transaction_started
    check(notes, primary, kill)
    assert make(notes, primary, kill) == [f"KILL {holder.id}"]
    verdict = verify(notes, primary, kill)
    assert verdict.ok
    assert verdict.says == f"Session {holder.id} on {primary.address} has ended, and its locks are released."
    assert waiter.ends_with() == 0
    assert not holder.alive()
    with pytest.raises(Refused, match="has ended; there is nothing to kill"):
        check(notes, primary, kill)


@pytest.mark.lab
def test_what_is_rolled_back_is_told_before(notes, primary, client, holder):
    with reader(notes, primary) as db:
        assert of(notes, primary, holder).cost(db) == "1 modified row is rolled back before its locks are released."
        assert of(notes, primary, client(primary, "reports")).cost(db) == "Nothing is rolled back."


@pytest.mark.lab
def test_there_is_no_undo(notes, primary, holder):
    with pytest.raises(NoUndo, match="its transaction is rolled back"):
        undo_of(notes, primary, of(notes, primary, holder))


@pytest.mark.lab
def test_a_session_that_is_still_there_is_a_failed_change(notes, primary, holder, monkeypatch):
    monkeypatch.setattr(KillConnection, "settles_within", 0.3)
    verdict = verify(notes, primary, of(notes, primary, holder))
    assert not verdict.ok
    assert "still exists (Sleep)" in verdict.says


@pytest.mark.lab
def test_another_transaction_of_the_same_session_is_not_hit(notes, primary, holder):
    kill = of(notes, primary, holder)
    holder.ask("COMMIT")
    seen(notes, primary, holder.id, lambda session: not session.transaction_started)
    with pytest.raises(Refused, match=r"is no longer in that transaction\. Press Try again"):
        make(notes, primary, kill)
    holder.begin()
    holder.ask("UPDATE notes SET note = 'held again' WHERE id = 1")
    kill = replace(kill, transaction_started=seen(notes, primary, holder.id, in_transaction).transaction_started)
    check(notes, primary, kill)
    for wrong in (replace(kill, user="reports"), replace(kill, transaction_started=STARTED)):
        with pytest.raises(Refused, match="is no longer in that transaction"):
            make(notes, primary, wrong)
    assert holder.alive()


@pytest.mark.lab
def test_a_session_that_works_again_is_refused_unless_it_is_said_so(notes, primary, holder):
    kill = of(notes, primary, holder)
    holder.runs(SLOW)
    with pytest.raises(Refused, match=r"is busy again \(Query\)\. Press Try again"):
        check(notes, primary, kill)
    check(notes, primary, replace(kill, even_if_busy=True))


@pytest.mark.lab
def test_a_session_that_did_something_since_is_refused(notes, primary, holder):
    found = seen(notes, primary, holder.id)
    kill = of(notes, primary, holder, command_since=found.command_since)
    check(notes, primary, kill)
    with pytest.raises(Refused, match=r"has run another command since\. Press Try again"):
        check(notes, primary, replace(kill, command_since=found.command_since - 60))


@pytest.mark.lab
def test_a_session_without_a_transaction_is_known_by_its_command(notes, primary, client):
    idle = client(primary, "reports")
    kill = of(notes, primary, idle)
    assert kill.transaction_started == ""
    with pytest.raises(Refused, match="has no transaction that identifies it"):
        check(notes, primary, kill)
    found = seen(notes, primary, idle.id)
    check(notes, primary, replace(kill, command_since=found.command_since))


@pytest.mark.lab
def test_the_one_at_the_root_of_ddl_that_waits_is_killed_and_never_the_ddl(notes, primary, client, holder):
    ddl = client(primary, "deploy")
    ddl.runs("ALTER TABLE notes ALTER COLUMN note SET DEFAULT 'x'", until="metadata lock")
    with pytest.raises(Refused, match=r"DDL or maintenance \(ALTER TABLE notes ALTER COLUMN note SET DEFAULT \?\)"):
        check(
            notes,
            primary,
            of(notes, primary, ddl, even_if_busy=True, command_since=seen(notes, primary, ddl.id).command_since),
        )
    make(notes, primary, of(notes, primary, holder))
    assert ddl.ends_with() == 0


@pytest.mark.lab
def test_what_a_rollback_would_cost_is_bounded(notes, primary, client, monkeypatch):
    monkeypatch.setattr(killable_sessions, "MOST_ROWS_MODIFIED", 5)
    writer = client(primary)
    writer.begin()
    writer.ask("UPDATE notes SET note = CONCAT(note, '!')")
    seen(notes, primary, writer.id, lambda session: session.rows_modified == 20)
    with pytest.raises(Refused, match=r"has modified 20 rows .*the rollback may take longer"):
        check(notes, primary, of(notes, primary, writer))


@pytest.mark.lab
def test_only_users_that_fit_a_pattern_are_killed_where_patterns_are_given(notes, primary, holder):
    check(notes, primary, of(notes, primary, holder, only_users="batch, ap*"))
    with pytest.raises(
        Refused, match=r"may not be killed here: the runbook allows only the users batch\*\. Ask the session's owner"
    ):
        check(notes, primary, of(notes, primary, holder, only_users="batch*"))


@pytest.mark.lab
def test_the_threads_of_a_replica_are_never_killed(notes, replica):
    with reader(notes, replica) as db:
        own = db.rows("SELECT ID AS id FROM information_schema.PROCESSLIST WHERE USER = 'system user'")
        assert own
        for row in own:
            found = sessions.read(db, row["id"])
            assert found is not None
            kill = KillConnection(
                found.thread_id, found.user, found.transaction_started, True, command_since=found.command_since
            )
            with pytest.raises(Refused, match="is protected: sessions of replication, backups"):
                kill.check(db)


# -- of rows that are hard to provoke ---------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [MYSQL_57, MYSQL_97, MARIADB_1011], ids=str)
def test_the_session_is_read_once_more_on_the_connection_that_kills(version):
    db = server(version)
    assert [str(s) for s in KILL.change(db)] == ["KILL 41"]
    assert len(db.asked) == 1


@pytest.mark.parametrize("user", ["repl", "replication", "backup_ro", "mysqldump", "mysql.session", "firstmate_reader"])
def test_protected_users_are_never_killed(user):
    with pytest.raises(Refused, match="is protected"):
        replace(KILL, user=user).check(server(user=user))


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("Binlog Dump GTID", "runs the command Binlog Dump GTID, which is never killed"),
        ("Binlog Dump", "runs the command Binlog Dump, which is never killed"),
        ("Daemon", "runs the command Daemon"),
        ("Connect", "runs the command Connect"),
        ("Slave_worker", "runs the command Slave_worker"),
        ("Clone", "runs the command Clone"),
    ],
)
def test_commands_of_the_server_are_never_killed(command, says):
    with pytest.raises(Refused, match=says):
        replace(KILL, even_if_busy=True).check(server(command=command))


@pytest.mark.parametrize(
    "info",
    [
        "OPTIMIZE TABLE t",
        "  alter table t add c int",
        "LOAD DATA INFILE 'x' INTO TABLE t",
        "/* by hand */ FLUSH TABLES WITH READ LOCK",
        "SELECT /*!40001 SQL_NO_CACHE */ * FROM `t`",
        "XA PREPARE 'a'",
    ],
)
def test_statements_that_cannot_be_taken_back_are_never_killed(info):
    with pytest.raises(Refused, match=r"Firstmate never kills|for a backup"):
        replace(KILL, even_if_busy=True).check(server(command="Query", info=info))


def test_a_rollback_is_waited_for_and_never_killed_again():
    rolling = server(command="Query", state="rollback", trx_state="ROLLING BACK")
    with pytest.raises(Refused, match="was killed already and is rolling back"):
        KILL.check(rolling)
    verdict = KILL.verify(rolling)
    assert (verdict.ok, verdict.settled) == (False, False)
    assert "do not kill it again" in verdict.says


def test_another_session_with_that_id_means_that_it_is_gone():
    assert KILL.verify(server(user="reports")).ok
    assert KILL.verify(Recorded(MYSQL_97, {"p.ID IN (%s)": []})).ok
