"""Injects one fault and holds its sessions open until SIGTERM.

Run as `python -m bot.lab.fault_injection.fault_process FOLDER FAULT`. `bot.lab.fault_injection.inject` starts it as a
process of the lab, and checks on the servers that the fault is in place.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import chain
from pathlib import Path

import pymysql
from pymysql.connections import Connection
from pymysql.cursors import DictCursor

from bot.errors import FirstmateError
from bot.lab import processes
from bot.lab.connections import administrator, ask, connect, session
from bot.lab.fault_injection import vitess_cluster, vitess_steps
from bot.lab.fault_injection.fault_checks import check_passes, expand_statement, instances_for
from bot.lab.fault_injection.fault_file import Fault, FaultStep, SavedValue, known
from bot.lab.fault_injection.saved_values import save_values, saved_values_path
from bot.lab.lab_state import LabInstance, LabState, Login, read
from bot.lab.replication import attach, replica_status
from bot.lab.server_data_directories import prepare_restart
from bot.lab.waiting import log_of, wait_until

TOO_MANY_CONNECTIONS = 1040
SEEN_WITHIN = 60.0
"""Seconds for a `wait` step."""
RETRY_AFTER = 0.5
"""Seconds before a `busy` session reconnects after an error."""
BURN = "while True: sum(range(10_000))"


class FaultScript:
    """Runs the steps of a fault on the servers of a lab."""

    def __init__(self, state: LabState, fault: Fault) -> None:
        self._state = state
        self._fault = fault
        self._held: defaultdict[str, list[tuple[LabInstance, Connection[DictCursor]]]] = defaultdict(list)
        self._ended = False
        self._burning: list[subprocess.Popen[bytes]] = []

    def run(self, steps: tuple[FaultStep, ...]) -> None:
        """Runs the steps for this flavour in order; raises the server's error if one fails."""
        for step in steps:
            if step.only in (None, self._fault.flavour):
                self._run_step(step)

    def end(self) -> None:
        """Kills every session and every process of the fault."""
        self._ended = True
        for burning in self._burning:
            burning.kill()
        ids: defaultdict[str, list[int]] = defaultdict(list)
        for instance, connection in chain.from_iterable(self._held.values()):
            ids[instance.name].append(connection.thread_id())  # type: ignore[no-untyped-call]
        for name in {*ids} - {vitess_cluster.VTGATE}:  # vtgate ends the sessions of clients that disconnect
            # A server notices a disconnected client only when it sends a result.
            with suppress(pymysql.err.MySQLError, OSError), administrator(self._state.instance(name)) as admin:
                for thread_id in ids[name]:
                    with suppress(pymysql.err.OperationalError):
                        ask(admin, "KILL %s", (thread_id,))

    def _run_step(self, step: FaultStep) -> None:
        if step.settle is not None:
            time.sleep(step.settle)
        elif step.wait is not None:
            check = step.wait
            wait_until(
                f"{self._fault.instance} passes this check of {self._fault.name}: {check}",
                lambda: check_passes(self._state, self._fault, check),
                SEEN_WITHIN,
                log=log_of(self._state, self._fault.instance),
                next_step=f"Run `firstmate lab fix {self._fault.name}`, then try again.",
            )
        elif step.burn is not None:
            self._burning += [subprocess.Popen([sys.executable, "-c", BURN]) for _ in range(step.burn)]
        elif step.remember is not None:
            self._remember(step.remember, step.on)
        elif step.close is not None:
            for _, connection in self._held.pop(step.close, []):
                connection.close()
        else:
            for instance in instances_for(self._state, self._fault, step.on):
                self._run_on(instance, step)

    def _run_on(self, instance: LabInstance, step: FaultStep) -> None:
        if self._state.vitess is not None and vitess_steps.run_cluster_step(self._state, self._fault, instance, step):
            return
        if step.admin is not None:
            self._administer(instance, step.admin)
        elif step.admin_unlogged is not None:
            self._administer(instance, ("SET SESSION sql_log_bin = 0", *step.admin_unlogged))
        elif step.try_admin is not None:
            for statement in step.try_admin:
                with suppress(pymysql.err.MySQLError):
                    self._administer(instance, (statement,))
        elif step.process is not None:
            _process(self._state, instance, step.process)
        elif step.purge:
            _purge(instance)
        elif step.attach:
            (primary,) = instances_for(self._state, self._fault, "primary")
            if not replica_status(instance):
                attach(instance, primary, self._state.replication, log_of(self._state, instance.name))
        else:
            self._open_sessions(instance, step)

    def _open_sessions(self, instance: LabInstance, step: FaultStep) -> None:
        """Opens sessions as an application does."""
        if step.session is not None:
            for _ in range(step.count):
                self._held[step.name].append((instance, self._session(instance, step.as_, step.session)))
        elif step.busy is not None:
            for _ in range(step.count):
                threading.Thread(target=self._busy, args=(instance, step), daemon=True).start()
        elif step.fill:
            filled = _filled(lambda: session(self._state, instance, step.as_))
            self._held[step.name] += [(instance, connection) for connection in filled]
            threading.Thread(target=self._keep_full, args=(instance, step), daemon=True).start()
        self._knock(instance, step.knock or 0)
        if step.knock and step.again:
            threading.Thread(target=self._keep_knocking, args=(instance,), daemon=True).start()

    def _knock(self, instance: LabInstance, times: int) -> None:
        for _ in range(times):
            with suppress(pymysql.err.OperationalError):
                connect(instance.host, instance.port, Login("app", "wrong"))

    def _keep_knocking(self, instance: LabInstance) -> None:
        """Logs in with a wrong password again and again, as clients do that retry."""
        while not self._ended:
            self._knock(instance, 1)
            time.sleep(RETRY_AFTER / 2)

    def _keep_full(self, instance: LabInstance, step: FaultStep) -> None:
        """Takes connections that others release, up to the initial max_connections."""
        with administrator(instance) as admin:
            most = int(ask(admin, "SELECT @@GLOBAL.max_connections AS most")[0]["most"])
        while not self._ended and len(self._held[step.name]) < most:
            with suppress(pymysql.err.OperationalError):
                self._held[step.name].append((instance, session(self._state, instance, step.as_)))
                continue
            time.sleep(RETRY_AFTER / 10)

    def _remember(self, what: SavedValue, on: str) -> None:
        (target,) = instances_for(self._state, self._fault, on)
        with administrator(target) as admin:
            value = next(iter(ask(admin, what.sql)[0].values()))
        save_values(self._state, self._fault, {what.name: str(value or "").replace("\n", "")})

    def _administer(self, instance: LabInstance, statements: tuple[str, ...]) -> None:
        with administrator(instance) as admin:
            for statement in statements:
                ask(admin, expand_statement(self._state, self._fault, statement))

    def _session(self, instance: LabInstance, user: str, statements: tuple[str, ...]) -> Connection[DictCursor]:
        opened = session(self._state, instance, user)
        for statement in statements:
            ask(opened, expand_statement(self._state, self._fault, statement))
        return opened

    def _busy(self, instance: LabInstance, step: FaultStep) -> None:
        """Runs the statements of a `busy` step, and reconnects after an error if the step says so."""
        statements = tuple(expand_statement(self._state, self._fault, each) for each in step.busy or ())
        while not self._ended:
            try:
                connection = session(self._state, instance, step.as_)
                self._held["busy"].append((instance, connection))
                self._rounds(connection, statements, step)
                return
            except (pymysql.err.MySQLError, OSError, AttributeError) as error:
                sys.stderr.write(f"{statements[0][:60]}: {error}\n")
                if not step.again:
                    return
                time.sleep(RETRY_AFTER)

    def _rounds(self, connection: Connection[DictCursor], statements: tuple[str, ...], step: FaultStep) -> None:
        while True:
            for statement in statements:
                ask(connection, statement)
            if not step.forever:
                return


def _filled(opened: Callable[[], Connection[DictCursor]]) -> list[Connection[DictCursor]]:
    """Takes every connection of the server, as a leaking pool does."""
    held: list[Connection[DictCursor]] = []

    def fill() -> None:
        while True:
            try:
                held.append(opened())
            except pymysql.err.OperationalError as error:
                if error.args[0] != TOO_MANY_CONNECTIONS:
                    raise
                return

    with ThreadPoolExecutor(max_workers=4) as pool:
        for filled in [pool.submit(fill) for _ in range(4)]:
            filled.result()
    return held


def _purge(instance: LabInstance) -> None:
    """Purges all binary logs but the newest."""
    with administrator(instance) as admin:
        newest = str(ask(admin, "SHOW BINARY LOGS")[-1]["Log_name"])
        ask(admin, "PURGE BINARY LOGS TO %s", (newest,))


def _process(state: LabState, instance: LabInstance, do: str) -> None:
    """Starts or signals the recorded process of a server."""
    if do == "start":
        if processes.find_running(state.folder, state.marker, instance.name) is None:
            processes.start(state.folder, state.marker, instance.name, prepare_restart(state.folder, instance.name))
    else:
        signals = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP, "continue": signal.SIGCONT}
        processes.send_signal(state.folder, state.marker, instance.name, signals[do])


def main() -> None:
    """Injects one fault and holds it until SIGTERM; exits with the server's error if a step fails."""
    folder, name = sys.argv[1:3]
    state = read(Path(folder))
    if state is None:
        raise SystemExit(f"no lab is up in {folder}")
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    fault = known(vitess=state.vitess is not None)[name]
    script = FaultScript(state, fault)
    try:
        if state.vitess is not None:
            saved_values_path(state, fault).unlink(missing_ok=True)
            save_values(state, fault, vitess_cluster.resolve_place(state, fault.instance))
        script.run(fault.file.break_)
        (state.folder / "run" / f"fault-{name}.made").touch()
        while not ended.wait(0.5):
            pass
    except (FirstmateError, pymysql.err.MySQLError) as error:
        raise SystemExit(str(error)) from error
    finally:
        script.end()


if __name__ == "__main__":
    main()
