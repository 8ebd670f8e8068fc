"""Starts the programs of the cluster, and starts again those that were killed.

Vitess and mysqld refuse to run as root. Where the lab is root's they run as nobody, who keeps one right of root: to
reach files whatever their mode, since the lab's folder and the cache may be closed to others.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.errors import FirstmateError, WrongUsage
from bot.lab import processes
from bot.lab.lab_state import LabState
from bot.lab.processes import Process

NOBODY = "65534"


def unprivileged() -> tuple[str, ...]:
    """Returns what is put before a command line so that it does not run as root; nothing for an ordinary user.

    Raises FirstmateError when setpriv is missing. Without no_setuid_fixup access(2), which mysqld asks, would not count
    the right.
    """
    if os.geteuid() != 0:
        return ()
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise FirstmateError(
            "Vitess does not run as root, and setpriv is not installed; install util-linux, or be another user."
        )
    ids = (f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--securebits=+no_setuid_fixup")
    return (setpriv, *ids, "--inh-caps=+dac_override", "--ambient-caps=+dac_override")


def start(
    folder: Path,
    marker: str,
    name: str,
    argv: Sequence[str],
    environment: Mapping[str, str] | None = None,
    only_now: Sequence[str] = (),
) -> Process:
    """Starts a program of the cluster and keeps its command line; `only_now` are options for the first start alone."""
    command = {"argv": list(argv), "environment": dict(environment or {})}
    _command(folder, name).write_text(json.dumps(command), encoding="utf-8")
    return processes.start(folder, marker, name, [*unprivileged(), *argv, *only_now], environment)


def run(argv: Sequence[str], environment: Mapping[str, str] | None = None, within: float = 120.0) -> None:
    """Runs a command of Vitess's to its end; `within` is in seconds.

    Raises FirstmateError with its last words when it fails or takes longer.
    """
    name = " ".join(Path(argument).name for argument in argv if not argument.startswith("--"))[:80]
    try:
        done = subprocess.run(
            [*unprivileged(), *argv],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FirstmateError(f"`{name}` did not end within {within:.0f} s.") from error
    if done.returncode != 0:
        raise FirstmateError(f"`{name}` failed: {(done.stdout + done.stderr).strip()[-400:]}")


def restart(state: LabState, name: str) -> Process:
    """Starts a program of the cluster that is gone, on the data that it has; one that runs is left as it is.

    It returns at once; whoever needs the program waits for it. Raises WrongUsage when the cluster has no such program.
    """
    try:
        command = json.loads(_command(state.folder, name).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise WrongUsage(f"The Vitess lab in {state.folder} has no program {name!r}.") from error
    process = processes.find_running(state.folder, state.marker, name)
    if process is not None:
        return process
    if "mysqld" in name:
        # mysqld takes the pid in it for another server even when it is a zombie's.
        for lock in (state.folder / "data" / "vt").glob(f"vt_{int(name.rpartition('-')[2]):010d}/mysql.sock.lock"):
            lock.unlink()
    argv = [*unprivileged(), *command["argv"]]
    return processes.start(state.folder, state.marker, name, argv, command["environment"])


def kill(state: LabState, name: str) -> bool:
    """Ends a process of the lab as a crash would; False when it does not run."""
    return processes.send_signal(state.folder, state.marker, name, signal.SIGKILL)


def freeze(state: LabState, name: str) -> bool:
    """Stops a process of the lab in the middle of what it does; False when it does not run."""
    return processes.send_signal(state.folder, state.marker, name, signal.SIGSTOP)


def thaw(state: LabState, name: str) -> bool:
    """Lets a frozen process of the lab go on; False when it does not run."""
    return processes.send_signal(state.folder, state.marker, name, signal.SIGCONT)


def _command(folder: Path, name: str) -> Path:
    return folder / "data" / f"{name}.command.json"
