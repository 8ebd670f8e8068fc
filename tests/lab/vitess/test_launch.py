"""A program of the cluster can be killed, frozen and started again, and only it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.errors import FirstmateError, WrongUsage
from bot.lab import processes
from bot.lab.client import wait_until
from bot.lab.state import LabState, Login, Urls
from bot.lab.vitess import launch

pytestmark = pytest.mark.server

SLEEP = [sys.executable, "-c", "import signal; signal.pause()"]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[LabState]:
    (tmp_path / "data").mkdir()
    marker = f"{tmp_path}#test"
    yield LabState(tmp_path, marker, (), Login("", ""), Urls("", "", "", ""), tmp_path / "firstmate.yml")
    processes.stop_all(tmp_path, marker, patience=0.2)


@pytest.fixture(autouse=True)
def as_it_is(monkeypatch: pytest.MonkeyPatch):
    """The tests' own Python need not be reachable for nobody."""
    monkeypatch.setattr(launch, "unprivileged", tuple)


def _state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]


def test_killed_it_starts_again_with_its_own_command_and_environment(state: LabState):
    first = launch.start(state.folder, state.marker, "vtorc", SLEEP, {"COLOUR": "red"}, ["--once"])
    assert launch.kill(state, "vtorc")
    wait_until("it is gone", lambda: not processes.alive(first, state.marker))
    assert not launch.kill(state, "vtorc")

    again = launch.start_again(state, "vtorc")

    assert again.pid != first.pid
    assert processes.alive(again, state.marker)
    assert b"COLOUR=red" in Path(f"/proc/{again.pid}/environ").read_bytes().split(b"\0")
    assert b"--once" not in Path(f"/proc/{again.pid}/cmdline").read_bytes()
    assert processes.recorded(state.folder) == [again]


def test_one_that_runs_is_left_as_it_is(state: LabState):
    first = launch.start(state.folder, state.marker, "vtorc", SLEEP)
    assert launch.start_again(state, "vtorc") == first


def test_one_that_the_cluster_does_not_have_is_refused(state: LabState):
    with pytest.raises(WrongUsage, match="has no program 'vtadmin'"):
        launch.start_again(state, "vtadmin")


def test_frozen_it_stands_still_until_it_is_thawed(state: LabState):
    process = launch.start(state.folder, state.marker, "etcd", SLEEP)
    assert launch.freeze(state, "etcd")
    wait_until("it stands still", lambda: _state_of(process.pid) == "T")
    assert launch.thaw(state, "etcd")
    wait_until("it goes on", lambda: _state_of(process.pid) == "S")


def test_a_mysqld_that_was_killed_leaves_no_lock_of_its_socket(state: LabState):
    lock = state.folder / "data" / "vt" / "vt_0000000100" / "mysql.sock.lock"
    other = state.folder / "data" / "vt" / "vt_0000000101" / "mysql.sock.lock"
    for path in (lock, other):
        path.parent.mkdir(parents=True)
        path.touch()
    launch.start(state.folder, state.marker, "mysqld-100", SLEEP)
    first = processes.recorded(state.folder)[0]
    launch.kill(state, "mysqld-100")
    wait_until("it is gone", lambda: not processes.alive(first, state.marker))
    launch.start_again(state, "mysqld-100")
    assert not lock.exists()
    assert other.exists()


def test_a_command_that_fails_or_hangs_is_told_in_its_own_words():
    launch.run([sys.executable, "-c", "import os; assert os.environ['COLOUR'] == 'red'"], {"COLOUR": "red"})
    with pytest.raises(FirstmateError, match=r"`python.* failed: no such cell"):
        launch.run([sys.executable, "-c", "raise SystemExit('no such cell')"])
    with pytest.raises(FirstmateError, match="did not end within 0 s"):
        launch.run(SLEEP, within=0.2)


@pytest.mark.parametrize(("uid", "found", "begins"), [(1000, None, ()), (0, "/usr/bin/setpriv", ("/usr/bin/setpriv",))])
def test_only_root_s_programs_run_as_nobody(
    monkeypatch: pytest.MonkeyPatch, uid: int, found: str | None, begins: tuple[str, ...]
):
    monkeypatch.undo()
    monkeypatch.setattr("os.geteuid", lambda: uid)
    monkeypatch.setattr("shutil.which", lambda name: found)
    prefix = launch.unprivileged()
    assert prefix[: len(begins)] == begins
    assert bool(prefix) is (uid == 0)
    if uid == 0:
        assert {"--reuid=65534", "--regid=65534", "--clear-groups"} <= set(prefix)


def test_root_without_setpriv_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(FirstmateError, match="setpriv is not installed; install util-linux"):
        launch.unprivileged()
