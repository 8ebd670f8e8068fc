"""Whether an instance's exporter, server and host are up, as Prometheus sees them."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Cost, Seconds, diagnostic
from actions.prometheus_contract import Prometheus
from actions.promql_quoting import host_pattern, quoted


@dataclass(frozen=True, slots=True)
class InstanceUp:
    """The result of the last scrapes; empty if Prometheus has none."""

    exporter_answers: bool | None = None
    """Whether Prometheus reaches the exporter of the instance."""
    server_up: bool | None = None
    """mysql_up: whether the exporter reaches the server."""
    host_up: bool | None = None
    """Whether the exporter of the host answers."""
    uptime: Seconds | None = None
    """The server's uptime at its last scrape."""


@diagnostic(cost=Cost.LOW, needs={})
def instance_up(prometheus: Prometheus, *, address: str) -> InstanceUp:
    """Reads `up` and `mysql_up` of `address`, and `up` of its host's exporter."""
    at = quoted(address)
    exporter = _one(prometheus, f"min(up{{instance={at}}})")
    server = _one(prometheus, f"min(mysql_up{{instance={at}}})")
    # An exporter that does not answer has no current mysql_up; its last one would be a guess.
    host = _one(prometheus, f'max(up{{instance=~{host_pattern(address)},job=~".*node.*"}})')
    uptime = _one(prometheus, f"min(mysql_global_status_uptime{{instance={at}}})")
    return InstanceUp(_yes(exporter), _yes(server), _yes(host), uptime)


def _one(prometheus: Prometheus, query: str) -> float | None:
    found = prometheus.instant(query, limit=1)
    return found[0].samples[-1].value if found and found[0].samples else None


def _yes(value: float | None) -> bool | None:
    return None if value is None else value > 0
