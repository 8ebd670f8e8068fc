"""Starts the cluster: topology server, MySQL servers, tablets, VTOrc, which elects the primaries, and vtgate."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pymysql
import requests

from bot.errors import FirstmateError
from bot.lab import processes
from bot.lab.connections import ask, connect
from bot.lab.firstmate_config import write_config
from bot.lab.free_ports import free_ports
from bot.lab.lab_state import LabInstance, LabState, Login, save
from bot.lab.monitoring import mysql_job, node_job
from bot.lab.progress import Reporter
from bot.lab.replication import answers
from bot.lab.server_data_directories import HOST
from bot.lab.server_programs import ServerProgram, ServerPrograms, cache_lock, find_for_vitess, find_programs
from bot.lab.supporting_services import (
    SERVICES,
    listens,
    new_logins,
    responds,
    start_monitoring,
    urls,
    wait_for_services,
)
from bot.lab.vitess import (
    application_load,
    application_schema,
    cluster_processes,
    command_lines,
    scrape_jobs,
    tablet_mysql,
)
from bot.lab.vitess.alert_rules import rules
from bot.lab.vitess.cluster_layout import KEYSPACE, PLANS, PORTS, TabletPlan, cluster_on
from bot.lab.vitess.vitess_programs import VitessPrograms, find_vitess
from bot.lab.waiting import log_of, wait_until
from bot.lab.workspace_process import start_workspace

DURABILITY = "semi_sync"


@dataclass(frozen=True)
class _ClusterStart:
    """What every step of the start needs."""

    state: LabState
    ports: dict[str, int]
    programs: ServerPrograms
    etcd: ServerProgram
    mysqladmin: ServerProgram
    vitess: VitessPrograms
    reporter: Reporter

    @property
    def folder(self) -> Path:
        return self.state.folder

    def launch(self, name: str, argv: Sequence[str], only_now: Sequence[str] = ()) -> None:
        """Starts one of the cluster's programs."""
        environment = tablet_mysql.environment(tablet_mysql.data_root(self.folder))
        cluster_processes.start(self.folder, self.state.marker, name, argv, environment, only_now)

    def until(self, description: str, name: str, condition: Callable[[], bool]) -> None:
        """Waits for a condition; raises FirstmateError when it is not met in time or the program exits."""
        log = self.folder / "logs" / f"{name}.log"

        def running_and_met() -> bool:
            if processes.find_running(self.folder, self.state.marker, name) is None:
                raise FirstmateError(f"{name} exited during startup: {_last_line(log)}; its log is {log}.")
            return condition()

        wait_until(description, running_and_met, 60.0, log=log)


def prepare(folder: Path, reporter: Reporter) -> Callable[[Path, str, Reporter], LabState]:
    """Finds, downloads or builds the programs and fills the cache; returns the function that starts a lab with them."""
    cluster_processes.unprivileged()
    tablet_mysql.data_root(folder)
    programs, vitess = find_programs(reporter), find_vitess(reporter)
    etcd, mysqladmin = find_for_vitess(reporter)
    with cache_lock(programs.cache, reporter):
        reporter.step("Initialising a data directory")
        tablet_mysql.make_template(programs, mysqladmin, vitess)

    def start(folder: Path, marker: str, progress: Reporter) -> LabState:
        names = (*SERVICES, *PORTS)
        ports = dict(zip(names, free_ports(len(names)), strict=True))
        state = _state(folder, marker, programs, ports, new_logins(folder))
        save(state)
        return _bring_up(_ClusterStart(state, ports, programs, etcd, mysqladmin, vitess, progress))

    return start


def _state(
    folder: Path, marker: str, programs: ServerPrograms, ports: dict[str, int], logins: dict[str, Login]
) -> LabState:
    vitess = cluster_on(ports)
    instances = tuple(
        LabInstance(
            name=plan.alias,
            shard=f"{KEYSPACE}/{plan.shard}",
            host=HOST,
            port=ports[f"{plan.uid} mysql"],
            spare_port=ports[f"{plan.uid} spare"],
            user="admin",
            password=logins["admin"].password,
            role="replica",
            source=None,
            flavour="mysql",
            version=programs.mysqld.version,
        )
        for plan in PLANS
    )
    config = write_config(folder, ports, vitess)
    return LabState(folder, marker, instances, logins["replication"], urls(ports), config, logins, vitess)


def _bring_up(start: _ClusterStart) -> LabState:
    for name in ("data", "logs", "data/backups"):
        (start.folder / name).mkdir(exist_ok=True)
    tablet_mysql.make_root(tablet_mysql.data_root(start.folder), start.programs.mysqld, start.mysqladmin)
    with ThreadPoolExecutor(max_workers=2) as pool:
        topology = pool.submit(_start_topology, start)
        _start_mysqlds(start)
        topology.result()
    _start_tablets(start)
    _start_services(start)
    primaries = _wait_for_primaries(start)
    _start_vtgate(start)
    state = replace(start.state, instances=_with_roles(start.state.instances, primaries))
    save(state)
    argv = [sys.executable, "-m", "bot.lab.vitess.application_load", str(start.folder)]
    processes.start(start.folder, state.marker, application_load.NAME, argv)
    start.reporter.step("Waiting for Prometheus and Alertmanager", 0.5)
    scraped = {f'up{{job="{job}"}} == 1': count for job, count in scrape_jobs.TARGETS.items()}
    wait_for_services(state, start.ports, {"mysql_up == 1": len(state.instances), **scraped})
    wait_until(
        "the application writes through vtgate",
        lambda: application_load.load_counts(start.folder).writes > 0,
        log=log_of(state, application_load.NAME),
    )
    return state


def _start_topology(start: _ClusterStart) -> None:
    ports = start.ports
    start.launch("etcd", command_lines.etcd(start.etcd, start.folder, ports))
    start.until("etcd is ready", "etcd", lambda: responds(f"http://{HOST}:{ports['etcd']}/health"))
    cluster_processes.run(command_lines.add_cell(start.vitess, ports))
    start.launch("vtctld", command_lines.vtctld(start.vitess, start.folder, ports))
    start.until("vtctld listens", "vtctld", lambda: listens(ports["vtctld grpc"]))
    _vtctldclient(start, "CreateKeyspace", f"--durability-policy={DURABILITY}", KEYSPACE)
    _vtctldclient(start, "ApplyVSchema", f"--vschema={application_schema.vschema()}", KEYSPACE)


def _start_mysqlds(start: _ClusterStart) -> None:
    text = "Starting the MySQL servers"
    start.reporter.step(text)

    def one(plan: TabletPlan) -> None:
        argv = tablet_mysql.prepare(start.folder, plan, start.ports, start.programs, start.vitess)
        users = tablet_mysql.write_users(start.folder, plan, start.state.users)
        start.launch(plan.mysqld, argv, [f"--init-file={users}"])
        instance = start.state.instance(plan.alias)
        start.until(f"{plan.mysqld} answers", plan.mysqld, lambda: answers(instance))
        users.unlink()

    with ThreadPoolExecutor(max_workers=len(PLANS)) as pool:
        for done, _ in enumerate(pool.map(one, PLANS), start=1):
            start.reporter.step(text, done / len(PLANS))


def _start_tablets(start: _ClusterStart) -> None:
    start.reporter.step("Starting the tablets", 0.2)
    for plan in PLANS:
        start.launch(plan.vttablet, command_lines.vttablet(start.vitess, start.folder, plan, start.ports))
    start.launch("vtorc", command_lines.vtorc(start.vitess, start.ports))


def _start_services(start: _ClusterStart) -> None:
    vitess = start.state.vitess
    assert vitess is not None
    jobs = (mysql_job(start.state.instances, start.ports), node_job(start.ports), *scrape_jobs.jobs(vitess))
    start_monitoring(start.state, start.programs, start.ports, jobs, rules())
    start_workspace(start.state, start.ports)


def _wait_for_primaries(start: _ClusterStart) -> dict[str, str]:
    """Waits until every tablet serves; returns the alias of the primary that VTOrc elected in each shard."""
    start.reporter.step("Waiting for VTOrc to elect the primaries", 0.5)
    found: dict[str, str] = {}
    for plan in PLANS:
        url = f"http://{HOST}:{start.ports[f'{plan.uid} http']}/debug/vars"

        def serves(url: str = url, plan: TabletPlan = plan) -> bool:
            variables = _variables(url)
            if variables.get("TabletType", "").upper() == "PRIMARY":
                found[plan.shard] = plan.alias
            return variables.get("TabletStateName") == "SERVING"

        start.until(f"{plan.vttablet} serves", plan.vttablet, serves)
    return found


def _variables(url: str) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = requests.get(url, timeout=2).json()
    except (requests.RequestException, ValueError):
        return {}
    return answer


def _start_vtgate(start: _ClusterStart) -> None:
    start.reporter.step("Creating the application's tables", 0.7)
    _vtctldclient(start, "ApplySchema", *(f"--sql={table}" for table in application_schema.TABLES), KEYSPACE)
    start.launch("vtgate", command_lines.vtgate(start.vitess, start.folder, start.ports))
    start.until("vtgate serves every tablet", "vtgate", lambda: _serves_all(start.ports["vtgate mysql"]))
    connection = connect(HOST, start.ports["vtgate mysql"], Login("app", ""), KEYSPACE, timeout=30.0)
    rows = [(number, f"customer-{number}@example.com") for number in range(1, application_schema.CUSTOMERS + 1)]
    with connection, connection.cursor() as cursor:
        cursor.executemany("INSERT INTO customer (customer_id, email) VALUES (%s, %s)", rows)


def _serves_all(port: int) -> bool:
    try:
        with connect(HOST, port, Login("app", ""), timeout=5.0) as connection:
            found = [(row["TabletType"], row["State"]) for row in ask(connection, "SHOW VITESS_TABLETS")]
    except (pymysql.err.MySQLError, OSError):
        return False
    return found.count(("PRIMARY", "SERVING")) == 2 and found.count(("REPLICA", "SERVING")) == 4


def _with_roles(instances: Sequence[LabInstance], primaries: dict[str, str]) -> tuple[LabInstance, ...]:
    """Returns the instances with their current roles and sources."""

    def with_role(instance: LabInstance) -> LabInstance:
        primary = primaries[instance.shard.partition("/")[2]]
        if instance.name == primary:
            return replace(instance, role="primary", source=None)
        return replace(instance, role="replica", source=primary)

    return tuple(with_role(instance) for instance in instances)


def _vtctldclient(start: _ClusterStart, *arguments: str) -> None:
    cluster_processes.run(command_lines.vtctldclient(start.vitess, start.ports, *arguments))


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1][-400:] if lines else "no reason given"
