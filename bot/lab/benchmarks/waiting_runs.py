"""Measures CPU and memory of an idle bot with many runs that wait for approval."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console

from bot.alerts import Alert, AlertStatus
from bot.config import load
from bot.engine.outbox_port import Message
from bot.engine.plan import Change, Plan
from bot.engine.run import Run, RunState
from bot.engine.segments import Expire
from bot.errors import FirstmateError
from bot.lab.benchmarks.alert_latency import own_config
from bot.lab.bot_process import running_bot
from bot.lab.lab_up_and_down import bring_up, tear_down
from bot.lab.progress import NoProgress, ProgressBar, Reporter
from bot.slack.run_messages import render
from bot.store.durable_queue import Durable
from bot.store.open_database import open_database
from bot.store.run_records import RUN
from bot.store.schema_upgrade import migrate
from bot.store.tables import messages, runs

RUNS = 10_000
PIECE = 500
SETTLE, WATCH = 20.0, 30.0
"""Seconds for the bot to become idle, and to measure it."""
MOST_CPU, MOST_MEMORY = 1.0, 300.0
"""Goals in percent of a core and MB, printed with the figures."""

err = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Cost:
    """The resources that a process uses."""

    cpu: float
    """Percent of one core."""
    memory: float
    """Resident MB."""


def waiting_run(number: int, now: datetime) -> Run:
    """Returns a run that waits for approval of its plan for another day."""
    change = Change(
        wave=0,
        action="mysql.start_replica",
        parameters={"thread": "applier"},
        target="orders-3",
        address="127.0.0.1:3308",
        server="uuid-3",
        statements=("START REPLICA SQL_THREAD",),
        undo=("STOP REPLICA SQL_THREAD",),
        undo_says="The statements shown undo the change.",
        risk="reversible",
    )
    labels = {"alertname": "MySQLReplicationStopped", "instance": f"db{number}:3306"}
    return Run(
        id=f"r-{number:010x}",
        incident=f"i-{number:010x}",
        channel="C0DBALERTS",
        state=RunState.WAITING,
        opened_at=now,
        alert=Alert(labels, AlertStatus.FIRING, now),
        requester="firstmate",
        runbook="mysql/replication-stopped",
        runbook_digest="d" * 64,
        runbook_text="",
        title="Replication stopped",
        target="orders-3",
        shard="orders",
        plan=Plan("start_applier", "Start the applier", (change,), "1 of 2 replicas of orders"),
        expires_at=now + timedelta(days=1),
    )


def fill(config: Path, count: int, progress: Reporter) -> None:
    """Stores `count` waiting runs, each with its expiry in the queue."""
    database = open_database(load(config))
    migrate(database)
    durable = Durable(database)
    durable.start(lambda *_: None)
    now = datetime.now(UTC)
    for begin in range(0, count, PIECE):
        with database.transaction() as connection:
            for number in range(begin, min(begin + PIECE, count)):
                run = waiting_run(number, now)
                row = {
                    "id": run.id,
                    "incident": run.incident,
                    "incident_key": run.incident,
                    "state": run.state.value,
                    "shard": run.shard,
                    "opened_at": now.timestamp(),
                    "due_at": (now + timedelta(days=1)).timestamp(),
                    "document": RUN.dump_json(replace(run, decisions=())).decode(),
                }
                connection.execute(runs.insert().values(**row))
                connection.execute(messages.insert(), [_sent(each, number) for each in render(run)])
                durable.put(connection, run.id, Expire(), delay=86_400.0)
        progress.step(f"Filling the store with {count} waiting runs", (begin + PIECE) / count)
    durable.stop()
    database.close()


def _sent(message: Message, number: int) -> dict[str, object]:
    """Returns the row of a message that was sent to Slack."""
    return {
        "key": message.key,
        "channel": message.channel,
        "thread_key": message.root,
        "priority": int(message.priority),
        "payload": json.dumps(message.payload, separators=(",", ":")),
        "wanted": message.digest,
        "sent": message.digest,
        "state": "wanted",
        "ts": f"{number}.000100",
        "put_at": time.time(),
    }


def cost_of(pid: int, seconds: float) -> Cost:
    """Measures the CPU use of a process over some seconds, and its memory."""
    began, at = _ticks(pid), time.monotonic()
    time.sleep(seconds)
    used = (_ticks(pid) - began) / os.sysconf("SC_CLK_TCK")
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return Cost(100.0 * used / (time.monotonic() - at), pages * os.sysconf("SC_PAGE_SIZE") / 1e6)


def measured(config: Path, folder: Path, progress: Reporter, says: str) -> Cost:
    """Measures an idle bot."""
    progress.step(says)
    with running_bot(config, log=folder / "logs" / "bench-waiting.log") as bot:
        time.sleep(SETTLE)
        return cost_of(bot.pid, WATCH)


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark on a lab of its own; returns 0 when it completed, whatever the figures."""
    parser = argparse.ArgumentParser(prog="python -m bot.lab.benchmarks.waiting_runs", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, metavar="N", help=f"number of waiting runs (default: {RUNS})")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="firstmate-bench-"))
    reporter = NoProgress() if given.json else ProgressBar()
    try:
        with reporter if isinstance(reporter, ProgressBar) else nullcontext():
            state = bring_up(folder, progress=reporter)
            config = own_config(state, "bench-waiting")
            idle = measured(config, folder, reporter, "Measuring the idle bot")
            fill(config, given.runs, reporter)
            full = measured(config, folder, reporter, f"Measuring the bot with {given.runs} waiting runs")
    except FirstmateError as error:
        err.print(f"bench: {error}", style="red", markup=False)
        return int(error.exit_code)
    finally:
        tear_down(folder)
    more = full.cpu - idle.cpu
    if given.json:
        figures = {"runs": given.runs, "idle_cpu": idle.cpu, "cpu": full.cpu, "more_cpu": more, "memory": full.memory}
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        sys.stdout.write(
            f"{given.runs} waiting runs add {more:+.2f} % of a core (goal: under {MOST_CPU:g} %) to the "
            f"{idle.cpu:.2f} % of an idle bot, which then uses {full.memory:.0f} MB (goal: under {MOST_MEMORY:g} MB)\n"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
