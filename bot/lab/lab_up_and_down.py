"""Starts and stops a lab in a folder."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

import pymysql

from bot.errors import Busy, FirstmateError
from bot.lab import processes
from bot.lab.database_servers import start_replication, start_servers
from bot.lab.firstmate_config import write_config
from bot.lab.free_ports import reserved_ports
from bot.lab.lab_state import LabInstance, LabState, Login, marker_of, new_marker, save
from bot.lab.lab_status import lab_status
from bot.lab.monitoring import mysql_job, node_job, rules
from bot.lab.progress import NoProgress, Reporter
from bot.lab.server_data_directories import (
    FLEET,
    HOST,
    ServerPlan,
    make_template,
    program_of,
    spare_port_name,
)
from bot.lab.server_programs import ServerPrograms, cache_lock, find_programs
from bot.lab.supporting_services import SERVICES, new_logins, start_monitoring, urls, wait_for_services
from bot.lab.vitess import cluster_start
from bot.lab.workspace_process import start_workspace
from bot.lab_location import CONFIG, READY

Starter = Callable[[Path, str, Reporter], LabState]
"""Starts a lab: (folder, marker, progress)."""

_MADE = ("data", "run", "secrets", "lab.json", "marker")


def bring_up(
    folder: Path, *, progress: Reporter | None = None, vitess: bool = False, scrape_seconds: int = 1
) -> LabState:
    """Starts a lab in the folder and returns it; a lab that is already up is returned at once.

    Prometheus scrapes the servers every `scrape_seconds`; at 1 s an idle lab uses about 30 % of a processor.

    Raises FirstmateError when the server programs are not available or do not start (whatever was started is stopped
    again), and when an earlier lab in the folder is only partly up or of the other kind.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    reporter = progress or NoProgress()
    with _exclusive(folder):
        if (found := _already_up(folder, vitess=vitess)) is not None:
            return found
        start = cluster_start.prepare(folder, reporter) if vitess else _prepare(reporter, scrape_seconds)
        _clear(folder, (*_MADE, "logs", CONFIG, "firstmate-data"))
        marker = new_marker(folder)
        try:
            state = start(folder, marker, reporter)
        except BaseException as error:
            processes.stop_all(folder, marker, grace=1.0)
            _clear(folder, _MADE)
            if isinstance(error, pymysql.err.MySQLError | OSError):
                raise FirstmateError(
                    f"The lab could not be started: {error}; its logs are in {folder}/logs."
                ) from error
            raise
        (folder / READY).touch()
        reporter.step("The lab is up", 1.0)
        return state


def _already_up(folder: Path, *, vitess: bool) -> LabState | None:
    found = lab_status(folder)
    if found.condition == "half":
        raise FirstmateError(
            f"The lab in {folder} is only partly up ({', '.join(found.missing)}); "
            "run `firstmate lab down`, then `firstmate lab up`."
        )
    if found.condition == "down" or found.state is None:
        return None
    if (found.state.vitess is not None) != vitess:
        kind, option = ("MySQL and MariaDB", " --vitess") if vitess else ("Vitess", "")
        raise FirstmateError(
            f"The lab in {folder} runs {kind}; run `firstmate lab down`, then `firstmate lab up{option}`."
        )
    return found.state


def tear_down(folder: Path) -> list[int]:
    """Stops what `bring_up` started in the folder, complete or not, and removes its databases and secrets.

    Returns the pids of the stopped processes. Logs, firstmate.yml and the bot's store remain until the next start.
    """
    folder = folder.resolve()
    if not folder.is_dir():
        return []
    with _exclusive(folder):
        marker = marker_of(folder)
        if marker is None:
            return []
        # One second is enough: whatever a database server would still flush is removed in the next line.
        ended = processes.stop_all(folder, marker, grace=1.0)
        _clear(folder, _MADE)
        return ended


@contextmanager
def _exclusive(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as handle:
        try:
            flock(handle, LOCK_EX | LOCK_NB)
        except BlockingIOError as error:
            raise Busy(f"Another `firstmate lab` is running in {folder}; wait until it has finished.") from error
        yield


def _clear(folder: Path, names: tuple[str, ...]) -> None:
    for name in names:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _prepare(reporter: Reporter, scrape_seconds: int) -> Starter:
    """Finds or downloads the server programs and fills the cache; returns the function that starts a lab with them."""
    programs = find_programs(reporter)
    with cache_lock(programs.cache, reporter):
        for number, plan in enumerate(FLEET):
            reporter.step("Initialising data directories", number / len(FLEET))
            make_template(programs, plan)
    return lambda folder, marker, progress: _start(folder, marker, programs, progress, scrape_seconds)


def _start(folder: Path, marker: str, programs: ServerPrograms, reporter: Reporter, scrape_seconds: int) -> LabState:
    servers = [plan.name for plan in FLEET]
    names = [*servers, *(spare_port_name(name) for name in servers), *SERVICES]
    with reserved_ports(len(names)) as numbers:
        return _start_on(folder, marker, programs, dict(zip(names, numbers, strict=True)), reporter, scrape_seconds)


def _start_on(
    folder: Path, marker: str, programs: ServerPrograms, ports: dict[str, int], reporter: Reporter, scrape_seconds: int
) -> LabState:
    state = _state(folder, marker, programs, ports, new_logins(folder))
    save(state)
    (folder / "logs").mkdir(exist_ok=True)
    # First, because Prometheus needs about five seconds until its first scrape.
    jobs = (mysql_job(state.instances, ports), node_job(ports))
    start_monitoring(state, programs, ports, jobs, rules(), scrape_seconds)
    start_servers(state, programs, ports, reporter)
    start_workspace(state, ports)
    start_replication(state, reporter)
    for instance in state.instances:
        if instance.role == "primary":
            name = f"load-{instance.name}"
            argv = [sys.executable, "-m", "bot.lab.application_load", str(folder), instance.name]
            processes.start(folder, marker, name, argv)
    reporter.step("Waiting for Prometheus and Alertmanager", 0.5)
    wait_for_services(state, ports, {"mysql_up == 1": len(state.instances)})
    return state


def _state(
    folder: Path, marker: str, programs: ServerPrograms, ports: dict[str, int], logins: dict[str, Login]
) -> LabState:
    def instance(plan: ServerPlan) -> LabInstance:
        return LabInstance(
            name=plan.name,
            shard=plan.shard,
            host=HOST,
            port=ports[plan.name],
            spare_port=ports[spare_port_name(plan.name)],
            user="admin",
            password=logins["admin"].password,
            role=plan.role,
            source=plan.source,
            flavour=plan.flavour,
            version=program_of(programs, plan).version,
        )

    return LabState(
        folder=folder,
        marker=marker,
        instances=tuple(instance(plan) for plan in FLEET),
        replication=logins["replication"],
        urls=urls(ports),
        config=write_config(folder, ports),
        users=logins,
    )
