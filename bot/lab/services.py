"""What every lab has beside its servers: secrets, Prometheus, Alertmanager, the local workspace."""

from __future__ import annotations

import secrets
import socket
import string
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import requests

from bot.lab import processes
from bot.lab.client import wait_until
from bot.lab.grants import USERS
from bot.lab.monitoring import alertmanager, exporter, node_exporter, prometheus
from bot.lab.packages import Programs
from bot.lab.servers import HOST
from bot.lab.settings import write_secrets
from bot.lab.state import LabState, Login, Urls
from bot.lab.workspace.manifest import Manifest

SERVICES = ("exporter", "node", "prometheus", "alertmanager", "webhook", "workspace")
"""What takes a port each; the webhook is the bot's own."""


def new_logins(folder: Path) -> dict[str, Login]:
    """Writes the secrets of a new lab, and returns the logins of its servers' users."""
    logins = {user: Login(user, _password()) for user in USERS}
    tokens = {
        "bot_token": f"xoxb-{_password()}",
        "app_token": f"xapp-{_password()}",
        "signing_secret": _password(),
        "alerts_bot_token": f"xoxb-{_password()}",
    }
    write_secrets(folder, logins, tokens, _password())
    return logins


def urls(ports: dict[str, int]) -> Urls:
    """Returns where the services answer."""

    def url(name: str) -> str:
        return f"http://{HOST}:{ports[name]}"

    return Urls(url("prometheus"), url("alertmanager"), url("webhook") + "/alerts/alertmanager", url("workspace"))


def start_monitoring(
    state: LabState,
    programs: Programs,
    ports: dict[str, int],
    jobs: Sequence[dict[str, Any]],
    rules: dict[str, Any],
    scrape_seconds: int = 1,
) -> None:
    """Starts Prometheus with these scrape jobs and alert rules, Alertmanager and the exporters."""
    commands = {
        "exporter": exporter(state.folder, programs, ports["exporter"], state.users["exporter"]),
        "node": node_exporter(programs, ports["node"]),
        "prometheus": prometheus(state.folder, programs, ports, jobs, rules, scrape_seconds),
        "alertmanager": alertmanager(state.folder, programs, ports, state.urls.webhook),
    }
    for name, argv in commands.items():
        processes.start(state.folder, state.marker, name, argv)


def start_workspace(state: LabState, ports: dict[str, int]) -> None:
    """Starts the local workspace with the shipped manifest."""
    tokens = state.folder / "secrets" / "workspace.json"
    argv = [sys.executable, "-m", "bot.lab.workspace", "--port", str(ports["workspace"]), "--tokens", str(tokens)]
    argv += ["--manifest", str(Manifest.shipped())]
    processes.start(state.folder, state.marker, "workspace", argv)


def wait_for_services(state: LabState, ports: dict[str, int], scraped: dict[str, int]) -> None:
    """Waits until all of them answer, and each PromQL query of `scraped` has that many series.

    Raises FirstmateError naming what does not come.
    """
    for query, count in scraped.items():
        wait_until(f"Prometheus has {count} series of {query}", lambda: _series(state, query) == count)  # noqa: B023
    wait_until("Alertmanager is ready", lambda: responds(f"{state.urls.alertmanager}/-/ready"))
    wait_until("the workspace listens", lambda: listens(ports["workspace"]))


def _series(state: LabState, query: str) -> int | None:
    try:
        answer = requests.get(f"{state.urls.prometheus}/api/v1/query", params={"query": query}, timeout=5)
    except requests.RequestException:
        return None
    return len(answer.json()["data"]["result"]) if answer.ok else None


def responds(url: str) -> bool:
    """Says whether a GET of the address is answered with a good status."""
    try:
        return bool(requests.get(url, timeout=5).ok)
    except requests.RequestException:
        return False


def listens(port: int) -> bool:
    """Says whether something listens on the port of the loopback."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0


def _password() -> str:
    letters = string.ascii_letters + string.digits
    return "".join(secrets.choice(letters) for _ in range(24))
