"""Starts the lab's MySQL and MariaDB servers and their replication."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from bot.errors import FirstmateError
from bot.lab import processes
from bot.lab.lab_state import LabInstance, LabState
from bot.lab.progress import Reporter
from bot.lab.replication import answers, attach, create_schema
from bot.lab.server_data_directories import FLEET, init_file, prepare_data_directory
from bot.lab.server_programs import ServerPrograms
from bot.lab.waiting import log_of, wait_until


def start_servers(state: LabState, programs: ServerPrograms, ports: dict[str, int], reporter: Reporter) -> None:
    """Prepares the data directory of each server of the fleet and starts it; it does not wait until they answer."""
    reporter.step("Starting the database servers")
    for done, plan in enumerate(FLEET, start=1):
        argv = prepare_data_directory(state.folder, plan, programs, ports, state.users)
        processes.start(state.folder, state.marker, plan.name, argv)
        reporter.step("Starting the database servers", done / (len(FLEET) + 1))


def start_replication(state: LabState, reporter: Reporter) -> None:
    """Waits until every server answers, attaches the replicas and creates the application's tables.

    Raises FirstmateError when a server has exited or does not answer.
    """

    def ready(instance: LabInstance) -> None:
        wait_until(
            f"{instance.name} answers at {instance.address}",
            lambda: _answers(state, instance),
            log=log_of(state, instance.name),
        )
        init_file(state.folder, instance.name).unlink()

    def fill(instance: LabInstance) -> None:
        if instance.role == "primary":
            create_schema(instance)

    def follow(instance: LabInstance) -> None:
        if instance.source is not None:
            attach(instance, state.instance(instance.source), state.replication, log_of(state, instance.name))

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
    """Returns whether the administrator can log in; raises FirstmateError when the server has exited."""
    if processes.find_running(state.folder, state.marker, instance.name) is None:
        log = state.folder / "logs" / f"{instance.name}.log"
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        reason = next((line for line in reversed(lines) if "[ERROR]" in line), "no reason given")
        raise FirstmateError(f"{instance.name} exited during startup ({reason}); its log is {log}.")
    return answers(instance)
