"""Kills the bot at random moments of real runs, and counts what became of them.

    python -m tests.soak [--kills 500] [--mode sqlite] [--mode postgresql] [--mode replicas] [--mode stopped]

Each round breaks a replica for real, sends the alert as often as it takes until it is accepted, approves what is
offered, and kills (SIGKILL) a replica of the bot at a moment of the run that chance chose; in the mode `stopped` it is
stopped (SIGSTOP) and woken when another has taken over. Afterwards must hold: the change was issued once at most, the
accepted alert has its run, the approval counted, the run ended, its thread says last what is true, no message stands
there twice, and the audit log is a chain. Exit 0 only when nothing of that was broken.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from bot.engine.run import Run, RunState
from bot.errors import FirstmateError
from bot.lab.fault_injection.inject import fix_all_faults, inject_fault
from bot.lab.lab_state import LabState
from bot.lab.lab_up_and_down import bring_up, tear_down
from bot.lab.progress import ProgressBar
from bot.lab.replication import replicates
from bot.store import audit_log
from tests.e2e.bots import Bot, start_bot
from tests.e2e.lab_bot import BOB, REPLICA, Play, general_log, key_of, variant
from tests.postgresql_fixture import programs, running

MODES = ("sqlite", "postgresql", "replicas", "stopped")
"""One process on SQLite; one on PostgreSQL; three there; three there, stopped and woken instead of killed."""
WHOLE = 1.5
"""Seconds that a run takes, from its alert to its end, and a little more."""
ENDS_WITHIN = 90.0
ENDED = {RunState.MENDED, RunState.UNKNOWN, RunState.REFUSED, RunState.FAILED, RunState.RESOLVED}
OUTCOMES = {
    RunState.MENDED: "Fixed and verified",
    RunState.UNKNOWN: "did not repeat it",
    RunState.REFUSED: "Not changed",
    RunState.FAILED: "Failed",
}


@dataclass
class Soak:
    """One mode: the replicas of the bot that live, and what was counted."""

    lab: LabState
    plays: Sequence[Play]
    stops: bool
    chance: random.Random
    bots: list[Bot] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def round(self, number: int) -> None:
        """One fault, one alert, one death, and what must hold afterwards."""
        self.lab_is_broken()
        self.alive()
        moment = self.chance.uniform(0.0, WHOLE)
        victim = self.chance.randrange(len(self.bots))
        death = threading.Timer(moment, self._strike, [victim])
        started = datetime.now(UTC)
        death.start()
        run_id = self._accepted(started)
        ended = self._ended(run_id)
        death.join()
        self._woken(victim)
        where = f"round {number}, struck after {moment:.2f} s"
        if ended is None:
            self.broken.append(f"{where}: run {run_id} did not end within {ENDS_WITHIN:g} s")
            return
        self.counts[ended.state.value] += 1
        self.broken += [f"{where}: {says}" for says in self._wrong(ended)]
        fix_all_faults(self.lab.folder)

    def lab_is_broken(self) -> None:
        self.plays[0].workspace.forget_limits()
        inject_fault(self.lab.folder, "replication_stopped")

    def alive(self) -> None:
        """Starts again whatever died."""
        for number, play in enumerate(self.plays):
            if number >= len(self.bots):
                self.bots.append(start_bot(play.path, log=play.path.with_suffix(".log")))
            elif self.bots[number].poll() is not None:
                self.counts["restarts"] += 1
                self.bots[number] = start_bot(play.path, log=play.path.with_suffix(".log"))

    def _strike(self, victim: int) -> None:
        os.kill(self.bots[victim].pid, signal.SIGSTOP if self.stops else signal.SIGKILL)
        self.counts["strikes"] += 1

    def _woken(self, victim: int) -> None:
        process = self.bots[victim]
        if self.stops and process.poll() is None:
            os.kill(process.pid, signal.SIGCONT)
            time.sleep(2.0)  # whatever it still does by itself, it does now

    def _accepted(self, started: datetime) -> str:
        """Sends the alert until a replica has answered with 2xx, as Alertmanager does; returns its run."""
        deadline = time.monotonic() + ENDS_WITHIN
        while time.monotonic() < deadline:
            for play in self.plays:
                try:
                    answer = play.send(starts_at=started)
                except (OSError, ValueError):
                    continue
                if "alerts" in answer:
                    self.counts["accepted"] += 1
                    return self._run_of(started)
            self.alive()
        raise AssertionError("no replica accepts alerts")

    def _run_of(self, started: datetime) -> str:
        with self.plays[0].looking() as store:
            for run in store.runs(limit=20):
                if run.alert is not None and abs((run.alert.starts_at - started).total_seconds()) < 0.001:
                    return run.id
        raise AssertionError(f"an accepted alert of {started} has no run")

    def _ended(self, run_id: str) -> Run | None:
        """Approves it once it waits, keeps the replicas alive, and returns it once it has ended."""
        deadline, pressed = time.monotonic() + ENDS_WITHIN, 0.0
        while time.monotonic() < deadline:
            if not self.stops:
                self.alive()
            with self.plays[0].looking() as store:
                run = store.run(run_id)
            if run is not None and run.state in ENDED:
                return run
            if run is not None and run.state is RunState.WAITING and time.monotonic() - pressed > 3.0:
                pressed = time.monotonic()
                try:
                    self.plays[0].press(BOB, run, "run.approve")
                except (OSError, FirstmateError):
                    self.counts["presses without an answer"] += 1
            time.sleep(0.05)
        return None

    def _wrong(self, run: Run) -> Iterator[str]:
        """What of the things that must hold does not."""
        play = self.plays[0]
        issued = len(play.statements(run.id))
        if issued > 1:
            yield f"run {run.id} issued its change {issued} times"
        if run.state is RunState.MENDED and (issued != 1 or not replicates(self.lab.instance(REPLICA))):
            yield f"run {run.id} is mended, with {issued} statements"
        if run.state is RunState.FAILED:
            yield f"run {run.id} failed: {run.says}"
        try:
            play.message(run.id, "outcome", holds=OUTCOMES[run.state], timeout=30.0)
        except (FirstmateError, KeyError):
            yield f"the thread of run {run.id} does not say last that it is {run.state.value}"
        keys = Counter(key_of(message) for message in play.messages(run.id))
        twice = [key for key, times in keys.items() if times > 1 and key]
        if twice:
            yield f"posted twice: {', '.join(twice)}"
        with play.looking() as store, store.database.reading() as connection:
            fault = audit_log.verify(audit_log.entries(connection))[1]
        if fault is not None:
            yield f"the audit log is no chain: {fault.says}"


@contextmanager
def soaking(lab: LabState, mode: str, seed: int) -> Iterator[Soak]:
    """A soak of one mode, with its store and its replicas, which are gone afterwards."""
    with ExitStack() as stack:
        changes: dict[str, object] = {}
        if mode != "sqlite":
            folder = programs()
            assert folder is not None, "PostgreSQL is not installed"
            url = stack.enter_context(running(folder)).fresh("soak")
            secret = Path(tempfile.mkdtemp(prefix="firstmate-soak-")) / "url"
            secret.write_text(url, encoding="utf-8")
            changes["postgresql"] = {"file": str(secret)}
        count = 3 if mode in ("replicas", "stopped") else 1
        names = [f"soak-{mode}-{seed}-{number}" for number in range(count)]
        plays = [Play(lab, variant(lab, name, **changes)) for name in names]
        soak = Soak(lab, plays, mode == "stopped", random.Random(seed))
        stack.enter_context(general_log(lab))
        try:
            yield soak
        finally:
            for bot in soak.bots:
                bot.kill()
                bot.wait()


def main() -> int:
    """Soaks every mode, and prints what was counted."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--kills", type=int, default=500, metavar="N", help="rounds of each mode (500)")
    parser.add_argument("--mode", action="append", choices=MODES, help="only this mode; may stand several times")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (1)")
    given = parser.parse_args()
    out, wrong = Console(highlight=False), 0
    folder = Path(tempfile.mkdtemp(prefix="firstmate-soak-")) / ".lab"
    try:
        with ProgressBar() as bar:
            lab = bring_up(folder, progress=bar)
            for mode in given.mode or MODES:
                with soaking(lab, mode, given.seed) as soak:
                    for number in range(1, given.kills + 1):
                        soak.round(number)
                        bar.step(f"{mode}: {len(soak.broken)} broken", number / given.kills)
                counted = ", ".join(f"{count} {what}" for what, count in sorted(soak.counts.items()))
                out.print(f"{mode:<12} {given.kills} rounds: {counted}; {len(soak.broken)} broken")
                for says in soak.broken:
                    out.print(f"    {says}", markup=False, soft_wrap=True)
                wrong += len(soak.broken)
    finally:
        tear_down(folder)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
