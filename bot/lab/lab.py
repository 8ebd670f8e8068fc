"""Brings the lab up and down, and says what is up."""

from __future__ import annotations

import secrets
import shutil
import socket
import string
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

import pymysql
import requests

from bot.errors import Busy, FirstmateError
from bot.lab import processes
from bot.lab.client import wait_until
from bot.lab.grants import USERS
from bot.lab.monitoring import alertmanager, exporter, node_exporter, prometheus
from bot.lab.packages import Programs, find_programs, locked
from bot.lab.progress import Reporter, Silent
from bot.lab.replication import answers, attach, create_schema
from bot.lab.servers import FLEET, HOST, Plan, first_statements, free_ports, make_template, prepare, program, spare
from bot.lab.settings import write_config, write_secrets
from bot.lab.state import CONFIG, LabInstance, LabState, Login, Urls, marker_of, new_marker, save
from bot.lab.status import status
from bot.lab.workspace.manifest import Manifest

_SERVICES = ("exporter", "node", "prometheus", "alertmanager", "webhook", "workspace")
_MADE = ("data", "run", "secrets", "lab.json", "marker")


def bring_up(folder: Path, *, progress: Reporter | None = None) -> LabState:
    """Brings the lab up in the folder and returns it; a lab that is up already is returned at once.

    Raises FirstmateError when its servers cannot be had or do not start, or when an earlier one is half up; what was
    started is then ended again.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    reporter = progress or Silent()
    with _alone(folder):
        found = status(folder)
        if found.condition == "up" and found.state is not None:
            return found.state
        if found.condition == "half":
            raise FirstmateError(
                f"The lab in {folder} is only half up ({', '.join(found.missing)}); "
                "run `firstmate lab down`, then `firstmate lab up`."
            )
        programs = find_programs(reporter)
        with locked(programs.cache, reporter):
            for number, plan in enumerate(FLEET):
                reporter.step("Making empty data directories", number / len(FLEET))
                make_template(programs, plan)
        _clear(folder, (*_MADE, "logs", CONFIG, "firstmate-data"))
        marker = new_marker(folder)
        try:
            return _start(folder, marker, programs, reporter)
        except BaseException as error:
            processes.stop_all(folder, marker, patience=1.0)
            _clear(folder, _MADE)
            if isinstance(error, pymysql.err.MySQLError | OSError):
                raise FirstmateError(
                    f"The lab could not be brought up: {error}; its logs are {folder}/logs."
                ) from error
            raise


def tear_down(folder: Path) -> list[int]:
    """Ends what `bring_up` started in the folder, finished or not, and removes its databases and secrets.

    Returns the pids it ended. The logs, firstmate.yml and the bot's own store stay for a look until the next `up`.
    """
    folder = folder.resolve()
    if not folder.is_dir():
        return []
    with _alone(folder):
        marker = marker_of(folder)
        if marker is None:
            return []
        # Polite for a second only: what a database server would still write is removed in the next line.
        ended = processes.stop_all(folder, marker, patience=1.0)
        _clear(folder, _MADE)
        return ended


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as handle:
        try:
            flock(handle, LOCK_EX | LOCK_NB)
        except BlockingIOError as error:
            raise Busy(f"Another `firstmate lab` is at work in {folder}; wait until it is done.") from error
        yield


def _clear(folder: Path, names: tuple[str, ...]) -> None:
    for name in names:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _password() -> str:
    letters = string.ascii_letters + string.digits
    return "".join(secrets.choice(letters) for _ in range(24))


def _start(folder: Path, marker: str, programs: Programs, reporter: Reporter) -> LabState:
    servers = [plan.name for plan in FLEET]
    names = [*servers, *(spare(name) for name in servers), *_SERVICES]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    logins = {user: Login(user, _password()) for user in USERS}
    tokens = {
        "bot_token": f"xoxb-{_password()}",
        "app_token": f"xapp-{_password()}",
        "signing_secret": _password(),
        "alerts_bot_token": f"xoxb-{_password()}",
    }
    write_secrets(folder, logins, tokens, _password())
    state = _state(folder, marker, programs, ports, logins)
    save(state)
    (folder / "logs").mkdir(exist_ok=True)
    # First, because Prometheus takes about five seconds from its start to its first scrape.
    _start_monitoring(state, programs, ports)
    _start_servers(state, programs, ports, reporter)
    _start_workspace(state, ports)
    _replicate(state, reporter)
    for instance in state.instances:
        if instance.role == "primary":
            name = f"load-{instance.name}"
            argv = [sys.executable, "-m", "bot.lab.load", str(folder), instance.name]
            processes.start(folder, marker, name, argv)
    reporter.step("Waiting for Prometheus and Alertmanager", 0.5)
    wait_until("Prometheus scrapes every server", lambda: _scraped(state))
    wait_until("Alertmanager is ready", lambda: _ready(f"{state.urls.alertmanager}/-/ready"))
    wait_until("the workspace listens", lambda: _listens(ports["workspace"]))
    (folder / "run" / "ready").touch()
    reporter.step("The lab is up", 1.0)
    return state


def _state(folder: Path, marker: str, programs: Programs, ports: dict[str, int], logins: dict[str, Login]) -> LabState:
    def instance(plan: Plan) -> LabInstance:
        return LabInstance(
            name=plan.name,
            shard=plan.shard,
            host=HOST,
            port=ports[plan.name],
            spare_port=ports[spare(plan.name)],
            user="admin",
            password=logins["admin"].password,
            role=plan.role,
            source=plan.source,
            flavour=plan.flavour,
            version=program(programs, plan).version,
        )

    def url(name: str) -> str:
        return f"http://{HOST}:{ports[name]}"

    return LabState(
        folder=folder,
        marker=marker,
        instances=tuple(instance(plan) for plan in FLEET),
        replication=logins["replication"],
        urls=Urls(url("prometheus"), url("alertmanager"), url("webhook") + "/alerts/alertmanager", url("workspace")),
        config=write_config(folder, ports),
        users=logins,
    )


def _start_servers(state: LabState, programs: Programs, ports: dict[str, int], reporter: Reporter) -> None:
    reporter.step("Starting the database servers")
    for done, plan in enumerate(FLEET, start=1):
        argv = prepare(state.folder, plan, programs, ports, state.users)
        processes.start(state.folder, state.marker, plan.name, argv)
        reporter.step("Starting the database servers", done / (len(FLEET) + 1))


def _start_monitoring(state: LabState, programs: Programs, ports: dict[str, int]) -> None:
    commands = {
        "exporter": exporter(state.folder, programs, ports["exporter"], state.users["exporter"]),
        "node": node_exporter(programs, ports["node"]),
        "prometheus": prometheus(state.folder, programs, state.instances, ports),
        "alertmanager": alertmanager(state.folder, programs, ports, state.urls.webhook),
    }
    for name, argv in commands.items():
        processes.start(state.folder, state.marker, name, argv)


def _start_workspace(state: LabState, ports: dict[str, int]) -> None:
    tokens = state.folder / "secrets" / "workspace.json"
    argv = [sys.executable, "-m", "bot.lab.workspace", "--port", str(ports["workspace"]), "--tokens", str(tokens)]
    argv += ["--manifest", str(Manifest.shipped())]
    processes.start(state.folder, state.marker, "workspace", argv)


def _replicate(state: LabState, reporter: Reporter) -> None:
    def ready(instance: LabInstance) -> None:
        wait_until(
            f"{instance.name} answers (its log: {state.folder / 'logs' / f'{instance.name}.log'})",
            lambda: _answers(state, instance),
        )
        first_statements(state.folder, instance.name).unlink()

    def fill(instance: LabInstance) -> None:
        if instance.role == "primary":
            create_schema(instance)

    def follow(instance: LabInstance) -> None:
        if instance.source is not None:
            attach(instance, state.instance(instance.source), state.replication)

    steps: tuple[tuple[str, Callable[[LabInstance], None]], ...] = (
        ("Waiting for the database servers", ready),
        ("Starting replication", follow),
        ("Creating the application's tables", fill),
    )
    with ThreadPoolExecutor(max_workers=len(FLEET)) as pool:
        for text, step in steps:
            for done, _ in enumerate(pool.map(step, state.instances), start=1):
                reporter.step(text, done / len(FLEET))


def _answers(state: LabState, instance: LabInstance) -> bool:
    """Says whether the server lets its administrator in; raises FirstmateError when it has ended instead."""
    if not any(p.name == instance.name and processes.alive(p, state.marker) for p in processes.recorded(state.folder)):
        log = state.folder / "logs" / f"{instance.name}.log"
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        reason = next((line for line in reversed(lines) if "[ERROR]" in line), "it gives no reason")
        raise FirstmateError(f"{instance.name} ended at its start ({reason}); its log is {log}.")
    return answers(instance)


def _scraped(state: LabState) -> bool:
    try:
        answer = requests.get(f"{state.urls.prometheus}/api/v1/query", params={"query": "mysql_up == 1"}, timeout=5)
    except requests.RequestException:
        return False
    if not answer.ok:
        return False
    return len(answer.json()["data"]["result"]) == len(state.instances)


def _ready(url: str) -> bool:
    try:
        return bool(requests.get(url, timeout=5).ok)
    except requests.RequestException:
        return False


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0
