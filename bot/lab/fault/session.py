"""Makes one fault and holds its sessions open until SIGTERM.

Run as `python -m bot.lab.fault.session FOLDER FAULT`; `bot.lab.fault.break_and_mend` starts it as a process of the
lab, and asks the servers themselves whether the fault is in place.
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
from bot.lab.client import administrator, ask, connect, session, wait_until
from bot.lab.fault import cluster, cluster_steps
from bot.lab.fault.checks import holds, places, written
from bot.lab.fault.kept_state import keep, memory
from bot.lab.fault.model import Action, Fault, Remembered, known
from bot.lab.replication import attach, replica_status
from bot.lab.servers import prepare_again
from bot.lab.state import LabInstance, LabState, Login, read

TOO_MANY_CONNECTIONS = 1040
SEEN_WITHIN = 60.0
"""Seconds for what a step waits for."""
AGAIN = 0.5
"""Seconds before a statement that was cut off is begun anew."""
BURN = "while True: sum(range(10_000))"


class Script:
    """Plays the steps of a fault on the servers of a lab."""

    def __init__(self, state: LabState, fault: Fault) -> None:
        self._state = state
        self._fault = fault
        self._held: defaultdict[str, list[tuple[LabInstance, Connection[DictCursor]]]] = defaultdict(list)
        self._ended = False
        self._burning: list[subprocess.Popen[bytes]] = []

    def play(self, steps: tuple[Action, ...]) -> None:
        """Plays the steps that are for this flavour, in order; raises what a server says of one."""
        for step in steps:
            if step.only in (None, self._fault.flavour):
                self._step(step)

    def end(self) -> None:
        """Closes every session, whatever it does, and ends every process."""
        self._ended = True
        for burning in self._burning:
            burning.kill()
        ids: defaultdict[str, list[int]] = defaultdict(list)
        for instance, connection in chain.from_iterable(self._held.values()):
            ids[instance.name].append(connection.thread_id())  # type: ignore[no-untyped-call]
        for name in {*ids} - {cluster.VTGATE}:  # which ends what its client leaves
            # A server notices a client that went away only when it answers it.
            with suppress(pymysql.err.MySQLError, OSError), administrator(self._state.instance(name)) as admin:
                for thread_id in ids[name]:
                    with suppress(pymysql.err.OperationalError):
                        ask(admin, "KILL %s", (thread_id,))

    def _step(self, step: Action) -> None:
        if step.settle is not None:
            time.sleep(step.settle)
        elif step.wait is not None:
            check = step.wait
            wait_until(f"{self._fault.name}: {check}", lambda: holds(self._state, self._fault, check), SEEN_WITHIN)
        elif step.burn is not None:
            self._burning += [subprocess.Popen([sys.executable, "-c", BURN]) for _ in range(step.burn)]
        elif step.remember is not None:
            self._remember(step.remember, step.on)
        elif step.close is not None:
            for _, connection in self._held.pop(step.close, []):
                connection.close()
        else:
            for instance in places(self._state, self._fault, step.on):
                self._at(instance, step)

    def _at(self, instance: LabInstance, step: Action) -> None:
        if self._state.vitess is not None and cluster_steps.step(self._state, self._fault, instance, step):
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
            (primary,) = places(self._state, self._fault, "primary")
            if not replica_status(instance):
                attach(instance, primary, self._state.replication)
        else:
            self._clients(instance, step)

    def _clients(self, instance: LabInstance, step: Action) -> None:
        """Sessions as applications open them."""
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
        for _ in range(step.knock or 0):
            with suppress(pymysql.err.OperationalError):
                connect(instance.host, instance.port, Login("app", "wrong"))

    def _keep_full(self, instance: LabInstance, step: Action) -> None:
        """Takes what others give back, up to what the server allowed at first: more room stays room."""
        with administrator(instance) as admin:
            most = int(ask(admin, "SELECT @@GLOBAL.max_connections AS most")[0]["most"])
        while not self._ended and len(self._held[step.name]) < most:
            with suppress(pymysql.err.OperationalError):
                self._held[step.name].append((instance, session(self._state, instance, step.as_)))
                continue
            time.sleep(AGAIN / 10)

    def _remember(self, what: Remembered, on: str) -> None:
        (target,) = places(self._state, self._fault, on)
        with administrator(target) as admin:
            value = next(iter(ask(admin, what.sql)[0].values()))
        keep(self._state, self._fault, {what.name: str(value or "").replace("\n", "")})

    def _administer(self, instance: LabInstance, statements: tuple[str, ...]) -> None:
        with administrator(instance) as admin:
            for statement in statements:
                ask(admin, written(self._state, self._fault, statement))

    def _session(self, instance: LabInstance, user: str, statements: tuple[str, ...]) -> Connection[DictCursor]:
        opened = session(self._state, instance, user)
        for statement in statements:
            ask(opened, written(self._state, self._fault, statement))
        return opened

    def _busy(self, instance: LabInstance, step: Action) -> None:
        """Runs statements, and again when they are cut off, as an application does."""
        statements = tuple(written(self._state, self._fault, each) for each in step.busy or ())
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
                time.sleep(AGAIN)

    def _rounds(self, connection: Connection[DictCursor], statements: tuple[str, ...], step: Action) -> None:
        while True:
            for statement in statements:
                ask(connection, statement)
            if not step.forever:
                return


def _filled(opened: Callable[[], Connection[DictCursor]]) -> list[Connection[DictCursor]]:
    """Takes every connection that the server has, as a pool does that leaks."""
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
    """Removes all binary logs but the newest."""
    with administrator(instance) as admin:
        newest = str(ask(admin, "SHOW BINARY LOGS")[-1]["Log_name"])
        ask(admin, "PURGE BINARY LOGS TO %s", (newest,))


def _process(state: LabState, instance: LabInstance, do: str) -> None:
    """Does something to the server's process, by the record that the lab keeps of it."""
    if do == "start":
        if processes.living(state.folder, state.marker, instance.name) is None:
            processes.start(state.folder, state.marker, instance.name, prepare_again(state.folder, instance.name))
    else:
        signals = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP, "continue": signal.SIGCONT}
        processes.send(state.folder, state.marker, instance.name, signals[do])


def main() -> None:
    """Makes one fault and holds it until SIGTERM; what a server refuses ends it, with its words in the log."""
    folder, name = sys.argv[1:3]
    state = read(Path(folder))
    if state is None:
        raise SystemExit(f"no lab is up in {folder}")
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    fault = known(vitess=state.vitess is not None)[name]
    script = Script(state, fault)
    try:
        if state.vitess is not None:
            memory(state, fault).unlink(missing_ok=True)
            keep(state, fault, cluster.who(state, fault.instance))
        script.play(fault.file.break_)
        (state.folder / "run" / f"fault-{name}.made").touch()
        while not ended.wait(0.5):
            pass
    except (FirstmateError, pymysql.err.MySQLError) as error:
        raise SystemExit(str(error)) from error
    finally:
        script.end()


if __name__ == "__main__":
    main()
