"""mysql.kill_idle_sessions: idle sessions of one user end; who works or holds a transaction is left alone."""

from __future__ import annotations

import time

import pytest

from actions.contract import NoUndo, Refused
from actions.remediations.mysql.kill_idle_sessions import MOST, KillIdleSessions
from tests.actions.hands import check, make, undo_of, verify
from tests.recorded import MYSQL_97, Recorded


def of(*clients, user: str = "reports") -> KillIdleSessions:
    return KillIdleSessions(user, tuple(each.id for each in clients), int(time.time()))


@pytest.mark.lab
def test_sleepers_end_and_others_stay(notes, primary, client):
    idle = [client(primary, "reports") for _ in range(2)]
    busy, holds = client(primary, "reports"), client(primary, "reports")
    busy.runs("SELECT SLEEP(20)")
    holds.begin()
    holds.ask("SELECT note FROM notes WHERE id = 1 LOCK IN SHARE MODE")
    kill = of(*idle, busy, holds)
    check(notes, primary, kill)
    assert sorted(make(notes, primary, kill)) == sorted(f"KILL {each.id}" for each in idle)
    assert verify(notes, primary, kill).ok
    assert [each.alive() for each in idle] == [False, False]
    assert busy.alive()
    assert holds.alive()


@pytest.mark.lab
def test_sessions_of_another_user_are_not_hit(notes, primary, client):
    other = client(primary, "app")
    with pytest.raises(Refused, match="is still idle; there is nothing to end"):
        check(notes, primary, of(other))
    assert make(notes, primary, of(other)) == []
    assert other.alive()


@pytest.mark.lab
def test_a_protected_user_is_refused(notes, primary, client):
    with pytest.raises(Refused, match="is protected"):
        check(notes, primary, of(client(primary, "backup"), user="backup"))


@pytest.mark.lab
def test_sleepers_that_stay_are_a_failed_change(notes, primary, client, monkeypatch):
    monkeypatch.setattr(KillIdleSessions, "settles_within", 0.3)
    verdict = verify(notes, primary, of(client(primary, "reports")))
    assert not verdict.ok
    assert "0 of 1 sessions of reports have ended on" in verdict.says


@pytest.mark.parametrize("ids", [(), tuple(range(MOST + 1))], ids=["none", "too many"])
def test_the_number_is_bounded(ids):
    with pytest.raises(Refused, match=f"1 to {MOST} may be ended at once"):
        KillIdleSessions("app", ids, 1).check(Recorded(MYSQL_97, {}))


@pytest.mark.lab
def test_there_is_no_way_back(notes, primary, client):
    with pytest.raises(NoUndo, match="ended sessions cannot be restored"):
        undo_of(notes, primary, of(client(primary, "reports")))
