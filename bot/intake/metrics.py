"""What /metrics tells of the bot itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

Gauges = Callable[[], Mapping[str, Mapping[str, float]]]
"""Returns gauge name -> label value -> value, read from the store when somebody scrapes."""


class _Gauges(Collector):
    def __init__(self, read: Gauges) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        for name, values in self._read().items():
            family = GaugeMetricFamily(f"firstmate_{name}", f"{name} now", labels=["of"])
            for label, value in values.items():
                family.add_metric([label], value)
            yield family


class Metrics:
    """Counters of the intake, and gauges of the store."""

    def __init__(self, gauges: Gauges) -> None:
        self._registry = CollectorRegistry()
        self.alerts = Counter(
            "firstmate_alerts_received", "Alerts answered with 2xx", ["source", "status"], registry=self._registry
        )
        self.refused = Counter(
            "firstmate_intake_refused", "Requests answered with 4xx", ["source", "code"], registry=self._registry
        )
        self._registry.register(_Gauges(gauges))

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self._registry)
