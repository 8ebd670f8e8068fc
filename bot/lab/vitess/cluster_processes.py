"""Starts, restarts and signals the programs of the cluster.

Vitess and mysqld refuse to run as root. When root runs the lab, they run as nobody with one capability of root,
CAP_DAC_OVERRIDE, because the lab's folder and the cache may be closed to other users.
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
    """Returns the prefix of a command line that must not run as root; empty for an ordinary user.

    Raises FirstmateError when setpriv is missing. Without no_setuid_fixup, access(2), which mysqld calls, would ignore
    the capability.
    """
    if os.geteuid() != 0:
        return ()
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise FirstmateError(
            "Vitess does not run as root, and setpriv is not installed; install util-linux or use another user."
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
    """Starts a program and stores its command line for restarts; `only_now` are options of this start alone."""
    command = {"argv": list(argv), "environment": dict(environment or {})}
    _command(folder, name).write_text(json.dumps(command), encoding="utf-8")
    return processes.start(folder, marker, name, [*unprivileged(), *argv, *only_now], environment)


def run(argv: Sequence[str], environment: Mapping[str, str] | None = None, within: float = 120.0) -> None:
    """Runs a Vitess command to its end, for `within` seconds at most.

    Raises FirstmateError with the end of its output when it fails or takes longer.
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
    """Starts a program of the cluster on its existing data, unless it is running.

    Returns before the program is ready. Raises WrongUsage when the cluster has no such program.
    """
    try:
        command = json.loads(_command(state.folder, name).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise WrongUsage(f"The Vitess lab in {state.folder} has no program {name!r}.") from error
    process = processes.find_running(state.folder, state.marker, name)
    if process is not None:
        return process
    if "mysqld" in name:
        # mysqld refuses to start while the pid in the lock file exists, even as a zombie.
        for lock in (state.folder / "data" / "vt").glob(f"vt_{int(name.rpartition('-')[2]):010d}/mysql.sock.lock"):
            lock.unlink()
    argv = [*unprivileged(), *command["argv"]]
    return processes.start(state.folder, state.marker, name, argv, command["environment"])


def kill(state: LabState, name: str) -> bool:
    """Sends SIGKILL to a process of the lab; False when it is not running."""
    return processes.send_signal(state.folder, state.marker, name, signal.SIGKILL)


def freeze(state: LabState, name: str) -> bool:
    """Sends SIGSTOP to a process of the lab; False when it is not running."""
    return processes.send_signal(state.folder, state.marker, name, signal.SIGSTOP)


def thaw(state: LabState, name: str) -> bool:
    """Sends SIGCONT to a frozen process of the lab; False when it is not running."""
    return processes.send_signal(state.folder, state.marker, name, signal.SIGCONT)


def _command(folder: Path, name: str) -> Path:
    return folder / "data" / f"{name}.command.json"
