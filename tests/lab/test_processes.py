"""Only processes of the lab are stopped, whatever happened in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.lab import processes
from bot.lab.processes import MARKER, Process
from bot.lab.waiting import wait_until

pytestmark = pytest.mark.server

SLEEP = [sys.executable, "-c", "import signal; signal.pause()"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()",
]


@pytest.fixture
def marker(tmp_path: Path) -> str:
    return f"{tmp_path}#test"


@pytest.fixture(autouse=True)
def clean(tmp_path: Path, marker: str) -> Iterator[None]:
    yield
    processes.stop_all(tmp_path, marker, grace=0.2)


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(SLEEP) as process:
        yield process
        process.kill()


def test_a_started_process_is_recorded_and_stopped(tmp_path: Path, marker: str):
    process = processes.start(tmp_path, marker, "one", SLEEP)
    assert processes.is_running(process, marker)
    assert processes.recorded(tmp_path) == [process]
    assert processes.stop_all(tmp_path, marker) == [process.pid]
    assert not processes.is_running(process, marker)
    assert processes.recorded(tmp_path) == []


def test_a_process_counts_as_running_during_execve(tmp_path: Path, marker: str):
    again = tmp_path / "again.sh"
    again.write_text('[ "$1" -gt 0 ] || { echo done; exec sleep 60; }; exec sh "$0" $(($1 - 1))\n', encoding="utf-8")
    process = processes.start(tmp_path, marker, "again", ["/bin/sh", str(again), "400"])
    log = tmp_path / "logs" / "again.log"
    while "done" not in log.read_text(encoding="utf-8"):
        assert processes.is_running(process, marker)


def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path, marker: str):
    process = processes.start(tmp_path, marker, "deaf", STUBBORN)
    log = tmp_path / "logs" / "deaf.log"
    while "deaf" not in log.read_text(encoding="utf-8"):
        assert processes.is_running(process, marker)
    processes.stop(tmp_path, marker, ["deaf"], grace=0.2)
    assert not processes.is_running(process, marker)


def test_a_process_whose_record_was_lost_is_found_by_its_environment(tmp_path: Path, marker: str):
    process = processes.start(tmp_path, marker, "lost", SLEEP)
    (tmp_path / "run" / "lost.json").unlink()
    assert processes.pids_of_lab(marker) == [process.pid]
    assert processes.stop_all(tmp_path, marker) == [process.pid]


def test_a_record_with_a_reused_pid_stops_nothing(tmp_path: Path, marker: str, stranger: subprocess.Popen[bytes]):
    processes.start(tmp_path, marker, "one", SLEEP)
    path = tmp_path / "run" / "one.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**record, "pid": stranger.pid}), encoding="utf-8")
    ended = processes.stop_all(tmp_path, marker)
    assert stranger.pid not in ended
    assert stranger.poll() is None


def test_a_process_of_another_lab_is_not_stopped(tmp_path: Path, marker: str):
    other = processes.start(tmp_path / "other", f"{marker}-other", "one", SLEEP)
    assert processes.stop_all(tmp_path, marker) == []
    assert processes.is_running(other, f"{marker}-other")
    processes.stop_all(tmp_path / "other", f"{marker}-other")


def test_a_process_started_by_another_program_is_recorded_if_it_is_the_lab_s(
    tmp_path: Path, marker: str, stranger: subprocess.Popen[bytes]
):
    process = processes.start(tmp_path, marker, "parent", SLEEP)
    assert processes.record_running(tmp_path, marker, "child", process.pid) == Process(
        "child", process.pid, process.started
    )
    assert [p.name for p in processes.recorded(tmp_path)] == ["child", "parent"]
    assert processes.record_running(tmp_path, marker, "stranger", stranger.pid) is None
    assert [p.name for p in processes.recorded(tmp_path)] == ["child", "parent"]


def test_a_signal_reaches_the_named_process_only(tmp_path: Path, marker: str):
    one = processes.start(tmp_path, marker, "one", SLEEP)
    two = processes.start(tmp_path, marker, "two", SLEEP)
    assert processes.send_signal(tmp_path, marker, "one", signal.SIGKILL)
    wait_until("it is gone", lambda: not processes.is_running(one, marker))
    assert processes.is_running(two, marker)
    assert not processes.send_signal(tmp_path, marker, "one", signal.SIGKILL)
    assert not processes.send_signal(tmp_path, marker, "three", signal.SIGKILL)


def test_no_signal_is_sent_to_a_reused_pid(tmp_path: Path, marker: str, stranger: subprocess.Popen[bytes]):
    processes.start(tmp_path, marker, "one", SLEEP)
    other = processes.start(tmp_path, marker, "two", SLEEP)
    path = tmp_path / "run" / "one.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    for pid in (stranger.pid, other.pid):
        path.write_text(json.dumps({**record, "pid": pid, "started": record["started"] - 1}), encoding="utf-8")
        assert not processes.send_signal(tmp_path, marker, "one", signal.SIGKILL)
    assert stranger.poll() is None
    assert processes.is_running(other, marker)


@pytest.mark.parametrize("content", ["", "{", '{"name": "x"}', "[]"])
def test_an_incomplete_record_is_skipped(tmp_path: Path, content: str):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "one.json").write_text(content, encoding="utf-8")
    assert processes.recorded(tmp_path) == []


def test_a_process_has_the_marker_in_its_environment(tmp_path: Path, marker: str):
    process = processes.start(tmp_path, marker, "one", SLEEP, {"COLOUR": "red"})
    environment = Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
    assert f"{MARKER}={marker}".encode() in environment
    assert b"COLOUR=red" in environment
    assert MARKER not in os.environ
