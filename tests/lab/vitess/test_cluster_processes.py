"""A program of the cluster can be killed, frozen and restarted without affecting others."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.errors import FirstmateError, WrongUsage
from bot.lab import processes
from bot.lab.lab_state import LabState, Login, Urls
from bot.lab.vitess import cluster_processes
from bot.lab.waiting import wait_until

pytestmark = pytest.mark.server

SLEEP = [sys.executable, "-c", "import signal; signal.pause()"]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[LabState]:
    (tmp_path / "data").mkdir()
    marker = f"{tmp_path}#test"
    yield LabState(tmp_path, marker, (), Login("", ""), Urls("", "", "", ""), tmp_path / "firstmate.yml")
    processes.stop_all(tmp_path, marker, grace=0.2)


@pytest.fixture(autouse=True)
def as_it_is(monkeypatch: pytest.MonkeyPatch):
    """Runs programs as the current user, since nobody may have no access to the tests' Python."""
    monkeypatch.setattr(cluster_processes, "unprivileged", tuple)


def _state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]


def test_a_killed_program_restarts_with_its_command_and_environment(state: LabState):
    first = cluster_processes.start(state.folder, state.marker, "vtorc", SLEEP, {"COLOUR": "red"}, ["--once"])
    assert cluster_processes.kill(state, "vtorc")
    wait_until("it is gone", lambda: not processes.is_running(first, state.marker))
    assert not cluster_processes.kill(state, "vtorc")

    again = cluster_processes.restart(state, "vtorc")

    assert again.pid != first.pid
    assert processes.is_running(again, state.marker)
    assert b"COLOUR=red" in Path(f"/proc/{again.pid}/environ").read_bytes().split(b"\0")
    assert b"--once" not in Path(f"/proc/{again.pid}/cmdline").read_bytes()
    assert processes.recorded(state.folder) == [again]


def test_a_running_program_is_not_restarted(state: LabState):
    first = cluster_processes.start(state.folder, state.marker, "vtorc", SLEEP)
    assert cluster_processes.restart(state, "vtorc") == first


def test_an_unknown_program_is_refused(state: LabState):
    with pytest.raises(WrongUsage, match="has no program 'vtadmin'"):
        cluster_processes.restart(state, "vtadmin")


def test_a_frozen_program_stops_until_it_is_thawed(state: LabState):
    process = cluster_processes.start(state.folder, state.marker, "etcd", SLEEP)
    assert cluster_processes.freeze(state, "etcd")
    wait_until("it stands still", lambda: _state_of(process.pid) == "T")
    assert cluster_processes.thaw(state, "etcd")
    wait_until("it goes on", lambda: _state_of(process.pid) == "S")


def test_a_restart_of_mysqld_removes_the_lock_of_its_socket(state: LabState):
    lock = state.folder / "data" / "vt" / "vt_0000000100" / "mysql.sock.lock"
    other = state.folder / "data" / "vt" / "vt_0000000101" / "mysql.sock.lock"
    for path in (lock, other):
        path.parent.mkdir(parents=True)
        path.touch()
    cluster_processes.start(state.folder, state.marker, "mysqld-100", SLEEP)
    first = processes.recorded(state.folder)[0]
    cluster_processes.kill(state, "mysqld-100")
    wait_until("it is gone", lambda: not processes.is_running(first, state.marker))
    cluster_processes.restart(state, "mysqld-100")
    assert not lock.exists()
    assert other.exists()


def test_a_command_that_fails_or_hangs_is_reported_with_its_output():
    cluster_processes.run([sys.executable, "-c", "import os; assert os.environ['COLOUR'] == 'red'"], {"COLOUR": "red"})
    with pytest.raises(FirstmateError, match=r"`python.* failed: no such cell"):
        cluster_processes.run([sys.executable, "-c", "raise SystemExit('no such cell')"])
    with pytest.raises(FirstmateError, match="did not end within 0 s"):
        cluster_processes.run(SLEEP, within=0.2)


@pytest.mark.parametrize(("uid", "found", "begins"), [(1000, None, ()), (0, "/usr/bin/setpriv", ("/usr/bin/setpriv",))])
def test_programs_run_as_nobody_only_for_root(
    monkeypatch: pytest.MonkeyPatch, uid: int, found: str | None, begins: tuple[str, ...]
):
    monkeypatch.undo()
    monkeypatch.setattr("os.geteuid", lambda: uid)
    monkeypatch.setattr("shutil.which", lambda name: found)
    prefix = cluster_processes.unprivileged()
    assert prefix[: len(begins)] == begins
    assert bool(prefix) is (uid == 0)
    if uid == 0:
        assert {"--reuid=65534", "--regid=65534", "--clear-groups"} <= set(prefix)


def test_for_root_without_setpriv_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(FirstmateError, match="setpriv is not installed; install util-linux"):
        cluster_processes.unprivileged()
