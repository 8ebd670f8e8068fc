"""The services that every lab runs beside its database servers: monitoring and the local Slack, with their secrets."""

from __future__ import annotations

import secrets
import socket
import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import requests

from bot.lab import processes
from bot.lab.database_users import USERS
from bot.lab.firstmate_config import write_secrets
from bot.lab.lab_state import LabState, Login, Urls
from bot.lab.monitoring import alertmanager, exporter, node_exporter, prometheus
from bot.lab.server_data_directories import HOST
from bot.lab.server_programs import ServerPrograms
from bot.lab.waiting import log_of, wait_until

SERVICES = ("exporter", "node", "prometheus", "alertmanager", "webhook", "workspace")
"""The services that need a port each; `webhook` is the bot's own."""


def new_logins(folder: Path) -> dict[str, Login]:
    """Creates and writes the secrets of a new lab, and returns the logins of its database users."""
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
    """Returns the URLs of the services."""

    def url(name: str) -> str:
        return f"http://{HOST}:{ports[name]}"

    return Urls(url("prometheus"), url("alertmanager"), url("webhook") + "/alerts/alertmanager", url("workspace"))


def start_monitoring(
    state: LabState,
    programs: ServerPrograms,
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


def wait_for_services(state: LabState, ports: dict[str, int], scraped: dict[str, int]) -> None:
    """Waits until every service answers and each PromQL query in `scraped` returns its number of series.

    Raises FirstmateError with the first condition that is not met in time.
    """
    for query, count in scraped.items():
        wait_until(
            f"Prometheus has {count} series of {query}",
            lambda: _series(state, query) == count,  # noqa: B023
            observed=lambda: f"it has {_series(state, query)}",  # noqa: B023
            log=log_of(state, "prometheus"),
        )
    wait_until(
        f"Alertmanager at {state.urls.alertmanager} is ready",
        lambda: responds(f"{state.urls.alertmanager}/-/ready"),
        log=log_of(state, "alertmanager"),
    )
    wait_until(
        f"the local Slack listens at {state.urls.workspace}",
        lambda: listens(ports["workspace"]),
        log=log_of(state, "workspace"),
    )


def _series(state: LabState, query: str) -> int | None:
    try:
        answer = requests.get(f"{state.urls.prometheus}/api/v1/query", params={"query": query}, timeout=5)
    except requests.RequestException:
        return None
    return len(answer.json()["data"]["result"]) if answer.ok else None


def responds(url: str) -> bool:
    """Returns whether a GET of the URL is answered with a status below 400."""
    try:
        return bool(requests.get(url, timeout=5).ok)
    except requests.RequestException:
        return False


def listens(port: int) -> bool:
    """Returns whether something listens on the loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0


def _password() -> str:
    letters = string.ascii_letters + string.digits
    return "".join(secrets.choice(letters) for _ in range(24))
