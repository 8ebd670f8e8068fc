"""Measures the time from an alert's webhook to its card and to the named cause, on the lab."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import yaml
from rich.console import Console

from bot.config import Intake, load
from bot.engine.run import RunState
from bot.errors import FirstmateError
from bot.lab.bot_process import running_bot
from bot.lab.fault_injection.inject import inject_fault
from bot.lab.free_ports import free_ports
from bot.lab.lab_state import LabState
from bot.lab.lab_up_and_down import bring_up, tear_down
from bot.lab.progress import NoProgress, ProgressBar
from bot.lab.slack_workspace.client import WorkspaceClient
from bot.lab.slack_workspace.model import Json

INVESTIGATING = f": {RunState.TRIAGING.label}"
"""Ends the first line of a card whose cause is not known yet."""

FAULT, INSTANCE, ALERT = "replication_stopped", "orders-3", "MySQLReplicationStopped"
REST = 4.0
"""Seconds between two repetitions, so that Slack's limit of one message per second does not interfere."""
CARD_WITHIN, CAUSE_WITHIN = 1.0, 3.0
"""Goals in seconds, printed with the figures."""

err = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds since the webhook was sent."""

    card: float
    cause: float


def quantile(values: Sequence[float], share: float) -> float:
    """Returns the smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    rank = -int(-share * len(ordered) // 1)
    return ordered[max(0, min(len(ordered), rank) - 1)]


def measure(state: LabState, intake: Intake, times: int, report: Callable[[int, Times], None]) -> list[Times]:
    """Sends `times` alerts about a stopped replica, waits for each run to end, and returns the times."""
    workspace = WorkspaceClient(state.urls.workspace)
    found = []
    for number in range(1, times + 1):
        time.sleep(REST)
        started = datetime.now(UTC)
        seen = max((int(entry["n"]) for entry in workspace.journal(kind="api")), default=0)
        sent = time.time()
        _send(state, intake, "firing", started)
        card = _call(workspace, seen, "chat.postMessage", lambda entry: True)
        cause = _call(workspace, seen, "chat.update", lambda entry: INVESTIGATING not in str(entry))
        found.append(Times(card - sent, cause - sent))
        report(number, found[-1])
        _send(state, intake, "resolved", started)
        _call(workspace, seen, "chat.postMessage", lambda entry: "Resolved without a change" in str(entry))
    return found


def _call(workspace: WorkspaceClient, after: int, method: str, fits: Callable[[Json], bool]) -> float:
    """Waits for the first Web API call that fits, and returns the time at which the workspace received it."""

    def find_call() -> Json | None:
        return next((e for e in workspace.journal(after, "api") if e["name"] == method and fits(e)), None)

    return float(workspace.wait_for(find_call, 30.0, f"A call of {method}")["t"])


def _send(state: LabState, intake: Intake, status: str, started: datetime) -> None:
    alert = {
        "status": status,
        "labels": {"alertname": ALERT, "instance": state.instance(INSTANCE).address, "severity": "critical"},
        "startsAt": started.isoformat(),
        "endsAt": datetime.now(UTC).isoformat(),
    }
    request = urllib.request.Request(
        f"http://{intake.host}:{intake.port}/alerts/alertmanager",
        data=json.dumps({"version": "4", "alerts": [alert]}).encode(),
        headers={"Authorization": f"Bearer {intake.token.read()}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        answer.read()


def own_config(state: LabState, name: str) -> Path:
    """Writes the lab's configuration with another store and port, which Alertmanager does not post to."""
    document = yaml.safe_load(state.config.read_text(encoding="utf-8"))
    document["intake"]["port"] = free_ports(1)[0]
    document["data"] = f"data-{name}"
    path = state.config.with_name(f"firstmate-{name}.yml")
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def _figures(values: Sequence[float], aim: float) -> dict[str, float]:
    return {
        "p50": round(statistics.median(values), 3),
        "p99": round(quantile(values, 0.99), 3),
        "min": round(min(values), 3),
        "max": round(max(values), 3),
        "aim": aim,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark on a lab of its own; returns 0 when it completed, whatever the figures."""
    parser = argparse.ArgumentParser(prog="python -m bot.lab.benchmarks.alert_latency", description=__doc__)
    parser.add_argument("--repeat", type=int, default=20, metavar="N", help="number of repetitions (default: 20)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args(arguments)

    def report(number: int, times: Times) -> None:
        err.print(f"{number:3}/{given.repeat}  card {times.card:.3f} s  cause {times.cause:.3f} s", highlight=False)

    folder = Path(tempfile.mkdtemp(prefix="firstmate-bench-"))
    reporter = NoProgress() if given.json else ProgressBar()
    try:
        with reporter if isinstance(reporter, ProgressBar) else nullcontext():
            state = bring_up(folder, progress=reporter)
        config = own_config(state, "bench")
        with running_bot(config, log=folder / "logs" / "bench.log"):
            inject_fault(folder, FAULT)
            found = measure(state, load(config).intake, max(1, given.repeat), report)
    except FirstmateError as error:
        err.print(f"bench: {error}", style="red", markup=False)
        return int(error.exit_code)
    finally:
        tear_down(folder)
    _print(found, as_json=given.json)
    return 0


def _print(found: Sequence[Times], *, as_json: bool) -> None:
    figures = {
        "card": _figures([each.card for each in found], CARD_WITHIN),
        "cause": _figures([each.cause for each in found], CAUSE_WITHIN),
    }
    if as_json:
        sys.stdout.write(json.dumps({"repetitions": len(found), **figures}) + "\n")
        return
    sys.stdout.write(f"{len(found)} repetitions, seconds from the webhook\n")
    for name, row in figures.items():
        numbers = "  ".join(f"{key} {row[key]:.3f}" for key in ("p50", "p99", "min", "max"))
        sys.stdout.write(f"  {name:<6} {numbers}   (goal: under {row['aim']:g} s)\n")


if __name__ == "__main__":
    raise SystemExit(main())
