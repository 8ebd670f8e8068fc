"""The metrics of the bot itself, as /metrics exposes them. METRICS is the list that the documentation is made from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric, as the documentation lists it."""

    name: str
    type: Literal["counter", "gauge"]
    labels: tuple[str, ...]
    meaning: str
    """What it counts or shows, and the values of its labels."""


ALERTS_RECEIVED = Metric(
    "firstmate_alerts_received_total",
    "counter",
    ("source", "status"),
    "Alerts that were stored and answered with HTTP 2xx, by source and by status (firing or resolved).",
)
INTAKE_REFUSED = Metric(
    "firstmate_intake_refused_total",
    "counter",
    ("source", "code"),
    "Requests that were answered with an HTTP error, by source and by status code.",
)
RUNS = Metric("firstmate_runs", "gauge", ("of",), "Runs in progress, by state.")
OUTCOMES = Metric(
    "firstmate_outcomes",
    "gauge",
    ("of",),
    "Runs with a change, as long as they are kept, by outcome: mended, part_helped (its cause is gone, but another "
    "one of the same alert holds), not_helped (done, but it did not help), unknown, failed or undone.",
)
MESSAGES = Metric("firstmate_messages", "gauge", ("of",), "Messages that Slack has not accepted yet (waiting).")
CONNECTED = Metric("firstmate_connected", "gauge", ("of",), "1 while the bot is connected (slack), otherwise 0.")
RUNBOOKS = Metric(
    "firstmate_runbooks",
    "gauge",
    ("of",),
    "Runbooks in force (in_force), files that are broken (broken), and reloads since the start (reloads).",
)
HALTED = Metric(
    "firstmate_halted",
    "gauge",
    ("of",),
    "1 for each halt, by scope (everything, shard:NAME or action:NAME); without any halt, 0 for everything.",
)
METRICS = (ALERTS_RECEIVED, INTAKE_REFUSED, RUNS, OUTCOMES, MESSAGES, CONNECTED, RUNBOOKS, HALTED)
"""Every metric of the bot."""

Gauges = Callable[[], Mapping[Metric, Mapping[str, float]]]
"""Returns, for each gauge, its value by the value of its label. Called at each scrape."""


class _Gauges(Collector):
    def __init__(self, read: Gauges) -> None:
        self._read = read

    def collect(self) -> Iterable[Family]:
        for metric, values in self._read().items():
            family = GaugeMetricFamily(metric.name, metric.meaning, labels=list(metric.labels))
            for label, value in values.items():
                family.add_metric([label], value)
            yield family


class Metrics:
    """The counters of the intake, and the gauges that are read at each scrape."""

    def __init__(self, gauges: Gauges) -> None:
        self._registry = CollectorRegistry()
        self.alerts = self._counter(ALERTS_RECEIVED)
        self.refused = self._counter(INTAKE_REFUSED)
        self._registry.register(_Gauges(gauges))

    def _counter(self, metric: Metric) -> Counter:
        return Counter(metric.name, metric.meaning, list(metric.labels), registry=self._registry)

    def text(self) -> bytes:
        """Returns all metrics in the text format of Prometheus."""
        return generate_latest(self._registry)
