"""Starts the lab's processes and stops them, and no others.

Every process has FIRSTMATE_LAB=<folder>#<id of this lab> (its marker) in its environment, and its pid is recorded with
the kernel's start time. Before a signal is sent, both are verified through /proc while a pidfd is open, so that a pid
which the kernel has reused is never signalled. A process without a record, because `up` was killed between start and
record, is found by its environment.
"""

from __future__ import annotations

import json
import os
import select
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

MARKER = "FIRSTMATE_LAB"
PROC_TIMEOUT = 5.0
"""Seconds to wait until /proc shows the environment of a new process."""
_STATE_FIELD, _START_FIELD = 0, 19  # of /proc/PID/stat, counted after the command's closing parenthesis


@dataclass(frozen=True)
class Process:
    """A recorded process; `started` is its start time in clock ticks since boot."""

    name: str
    pid: int
    started: int


def start(folder: Path, marker: str, name: str, argv: Sequence[str], extra: Mapping[str, str] | None = None) -> Process:
    """Starts a process in a session of its own, with its output in logs/NAME.log; records and returns it."""
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    (folder / "run").mkdir(parents=True, exist_ok=True)
    log = folder / "logs" / f"{name}.log"
    pid = os.posix_spawn(
        argv[0],
        list(argv),
        {**os.environ, **(extra or {}), MARKER: marker},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    started = _start_time(pid)
    process = Process(name, pid, -1 if started is None else started)
    # /proc shows the environment of a new process with a short delay.
    deadline = time.monotonic() + PROC_TIMEOUT
    while _start_time(pid) is not None and _marker(pid) is None and time.monotonic() < deadline:
        time.sleep(0.001)
    _record(folder, process)
    return process


def record_running(folder: Path, marker: str, name: str, pid: int) -> Process | None:
    """Records a running process that another program of the lab started; None if it ended or is not the lab's."""
    started = _start_time(pid)
    if started is None or _marker(pid) != marker:
        return None
    process = Process(name, pid, started)
    (folder / "run").mkdir(parents=True, exist_ok=True)
    _record(folder, process)
    return process


def send_signal(folder: Path, marker: str, name: str, number: signal.Signals) -> bool:
    """Sends a signal to the recorded process; False when it is not running or not the lab's."""
    process = next((each for each in recorded(folder) if each.name == name), None)
    handle = _open(process.pid, marker) if process is not None else None
    if process is None or handle is None:
        return False
    try:
        # Verified after the pidfd was opened, so that the verified process is the one that is signalled.
        if not is_running(process, marker):
            return False
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True


def _record(folder: Path, process: Process) -> None:
    path = folder / "run" / f"{process.name}.json"
    path.write_text(json.dumps(asdict(process)), encoding="utf-8")


def recorded(folder: Path) -> list[Process]:
    """Returns the recorded processes; skips a record that is incomplete after a crash."""
    found = []
    for path in sorted((folder / "run").glob("*.json")):
        try:
            found.append(Process(**json.loads(path.read_text(encoding="utf-8"))))
        except (ValueError, TypeError, OSError):
            continue
    return found


def is_running(process: Process, marker: str) -> bool:
    """Returns whether the recorded process is running and belongs to the lab."""
    _reap(process.pid)
    return _start_time(process.pid) == process.started and _own_marker(process.pid) == marker


def find_running(folder: Path, marker: str, name: str) -> Process | None:
    """Returns the recorded process of this name; None when it is not running or not the lab's."""
    return next((each for each in recorded(folder) if each.name == name and is_running(each, marker)), None)


def pids_of_lab(marker: str) -> list[int]:
    """Returns the pids of all processes with the marker, except other users' processes, whose environment is hidden."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            pid = int(entry.name)
            if _start_time(pid) is not None and _marker(pid) == marker:
                found.append(pid)
    return found


def stop(folder: Path, marker: str, names: Sequence[str], grace: float = 15.0) -> None:
    """Stops the recorded processes of these names: SIGTERM, and SIGKILL after `grace` seconds."""
    chosen = [process for process in recorded(folder) if process.name in names]
    _end([process.pid for process in chosen if is_running(process, marker)], marker, grace)
    for process in chosen:
        (folder / "run" / f"{process.name}.json").unlink(missing_ok=True)


def stop_all(folder: Path, marker: str, grace: float = 15.0) -> list[int]:
    """Stops every process of the lab, recorded or not: SIGTERM, and SIGKILL after `grace` seconds. Returns the pids."""
    pids = sorted({p.pid for p in recorded(folder) if is_running(p, marker)} | set(pids_of_lab(marker)))
    _end(pids, marker, grace)
    # Some start others while they are being stopped: vttablet restarts its mysqld after a backup.
    if later := pids_of_lab(marker):
        _end(later, marker, grace)
        pids = sorted({*pids, *later})
    for path in (folder / "run").glob("*.json"):
        path.unlink(missing_ok=True)
    return pids


def _end(pids: Sequence[int], marker: str, grace: float) -> None:
    handles = [handle for pid in pids if (handle := _open(pid, marker)) is not None]
    try:
        _signal_all(handles, signal.SIGTERM)
        left = _wait_all(handles, grace)
        _signal_all(left, signal.SIGKILL)
        _wait_all(left, grace)
    finally:
        for handle in handles:
            os.close(handle)
    for pid in pids:
        _reap(pid)


def _open(pid: int, marker: str) -> int | None:
    """Returns a pidfd of the process if it is the lab's, otherwise None; the pidfd never refers to another process."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    if _own_marker(pid) != marker:
        os.close(handle)
        return None
    return handle


def _signal_all(handles: Sequence[int], number: signal.Signals) -> None:
    for handle in handles:
        try:
            signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            continue


def _wait_all(handles: Sequence[int], grace: float) -> list[int]:
    """Waits until the processes have ended; returns the pidfds of those that have not. A pidfd becomes readable."""
    left = list(handles)
    deadline = time.monotonic() + grace
    while left and (remaining := deadline - time.monotonic()) > 0:
        gone, _, _ = select.select(left, [], [], remaining)
        left = [handle for handle in left if handle not in gone]
    return left


def _reap(pid: int) -> None:
    """Collects the exit status if the process is a child of this one, so that it does not remain a zombie."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _start_time(pid: int) -> int | None:
    """Returns the start time of a process in clock ticks since boot; None when it has ended or is a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[_STATE_FIELD] in ("Z", "X") else int(fields[_START_FIELD])


def _marker(pid: int) -> str | None:
    """Returns the marker in the environment of the process; None without one, or when the environment is hidden."""
    return _lab_in(_environment(pid))


def _own_marker(pid: int) -> str | None:
    """Like _marker, but waits while the environment is empty, which it is during execve."""
    deadline = time.monotonic() + PROC_TIMEOUT
    while (shown := _environment(pid)) == b"" and _start_time(pid) is not None and time.monotonic() < deadline:
        time.sleep(0.001)
    return _lab_in(shown)


def _lab_in(environment: bytes | None) -> str | None:
    prefix = f"{MARKER}=".encode()
    for entry in (environment or b"").split(b"\0"):
        if entry.startswith(prefix):
            return entry[len(prefix) :].decode(errors="replace")
    return None


def _environment(pid: int) -> bytes | None:
    """Returns the environment of the process; None when it has ended or belongs to another user."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return None
