"""Starts the lab's processes and ends them, and only them.

Every process carries FIRSTMATE_LAB=<folder>#<id of this lab> in its environment, and its pid with the kernel's start
time is recorded beside the data. Before a signal both are compared through /proc on a pidfd, so a pid that the kernel
has given to somebody else is never hit. A process whose record was never written, because `up` was killed between
start and record, is found by its environment.
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
PATIENCE = 5.0
"""Seconds to wait for what the kernel shows a moment later."""
_STATE_FIELD, _START_FIELD = 0, 19  # of /proc/PID/stat, counted after the command's closing parenthesis


@dataclass(frozen=True)
class Process:
    """A recorded process; `started` is the kernel's start time in clock ticks since boot."""

    name: str
    pid: int
    started: int


def start(folder: Path, marker: str, name: str, argv: Sequence[str], extra: Mapping[str, str] | None = None) -> Process:
    """Starts a process of its own session with its output in logs/NAME.log, and records it; returns it."""
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
    # The kernel lets this process go on a moment before it shows the environment of the new one.
    deadline = time.monotonic() + PATIENCE
    while _start_time(pid) is not None and _marker(pid) is None and time.monotonic() < deadline:
        time.sleep(0.001)
    _record(folder, process)
    return process


def record_running(folder: Path, marker: str, name: str, pid: int) -> Process | None:
    """Records a running process of the lab that another program started; None when it is gone or is not the lab's."""
    started = _start_time(pid)
    if started is None or _marker(pid) != marker:
        return None
    process = Process(name, pid, started)
    (folder / "run").mkdir(parents=True, exist_ok=True)
    _record(folder, process)
    return process


def send_signal(folder: Path, marker: str, name: str, number: signal.Signals) -> bool:
    """Sends a signal to the recorded process of this name; False when it does not run, or is not the lab's."""
    process = next((each for each in recorded(folder) if each.name == name), None)
    handle = _open(process.pid, marker) if process is not None else None
    if process is None or handle is None:
        return False
    try:
        # Only now: the pidfd is open, so what is looked at here is what is hit.
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
    """Returns the processes that were recorded; a record cut short by a crash is left out."""
    found = []
    for path in sorted((folder / "run").glob("*.json")):
        try:
            found.append(Process(**json.loads(path.read_text(encoding="utf-8"))))
        except (ValueError, TypeError, OSError):
            continue
    return found


def is_running(process: Process, marker: str) -> bool:
    """Says whether the recorded process still runs, and is the lab's own."""
    _reap(process.pid)
    return _start_time(process.pid) == process.started and _own_marker(process.pid) == marker


def find_running(folder: Path, marker: str, name: str) -> Process | None:
    """Returns the recorded process of this name; None where it does not run, or is not the lab's own."""
    return next((each for each in recorded(folder) if each.name == name and is_running(each, marker)), None)


def pids_of_lab(marker: str) -> list[int]:
    """Returns the pids of all processes that carry the marker; those of other users cannot be seen and are left out."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            pid = int(entry.name)
            if _start_time(pid) is not None and _marker(pid) == marker:
                found.append(pid)
    return found


def stop(folder: Path, marker: str, names: Sequence[str], patience: float = 15.0) -> None:
    """Ends the recorded processes of these names, politely first; `patience` is in seconds."""
    chosen = [process for process in recorded(folder) if process.name in names]
    _end([process.pid for process in chosen if is_running(process, marker)], marker, patience)
    for process in chosen:
        (folder / "run" / f"{process.name}.json").unlink(missing_ok=True)


def stop_all(folder: Path, marker: str, patience: float = 15.0) -> list[int]:
    """Ends every process of the lab, recorded or not; returns their pids. `patience` is in seconds."""
    pids = sorted({p.pid for p in recorded(folder) if is_running(p, marker)} | set(pids_of_lab(marker)))
    _end(pids, marker, patience)
    # Some start others while they are ended: vttablet its mysqld, after a backup.
    if later := pids_of_lab(marker):
        _end(later, marker, patience)
        pids = sorted({*pids, *later})
    for path in (folder / "run").glob("*.json"):
        path.unlink(missing_ok=True)
    return pids


def _end(pids: Sequence[int], marker: str, patience: float) -> None:
    handles = [handle for pid in pids if (handle := _open(pid, marker)) is not None]
    try:
        _signal_all(handles, signal.SIGTERM)
        left = _wait_all(handles, patience)
        _signal_all(left, signal.SIGKILL)
        _wait_all(left, patience)
    finally:
        for handle in handles:
            os.close(handle)
    for pid in pids:
        _reap(pid)


def _open(pid: int, marker: str) -> int | None:
    """Returns a pidfd of the process when it is the lab's; from then on the pid cannot come to mean another one."""
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


def _wait_all(handles: Sequence[int], patience: float) -> list[int]:
    """Waits until the processes are gone; returns those that are not. A pidfd turns readable when its process ends."""
    left = list(handles)
    deadline = time.monotonic() + patience
    while left and (remaining := deadline - time.monotonic()) > 0:
        gone, _, _ = select.select(left, [], [], remaining)
        left = [handle for handle in left if handle not in gone]
    return left


def _reap(pid: int) -> None:
    """Takes the exit status of a child, so that it is no longer listed; of no effect when `up` was another process."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _start_time(pid: int) -> int | None:
    """Returns the kernel's start time of a living process; None when it is gone or a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[_STATE_FIELD] in ("Z", "X") else int(fields[_START_FIELD])


def _marker(pid: int) -> str | None:
    """Returns the lab that the process belongs to, out of its environment; None when there is none or it is hidden."""
    return _lab_in(_environment(pid))


def _own_marker(pid: int) -> str | None:
    """Like _marker, of a process that has an environment: while it becomes another program it shows an empty one."""
    deadline = time.monotonic() + PATIENCE
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
    """Returns the environment that the kernel shows; None when the process is gone or another user's."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return None
