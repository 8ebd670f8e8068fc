"""Receives alerts: stores each one with the run that answers it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.alerts import Alert
from bot.engine.ports import Fleet, Receipt, Store
from bot.engine.run_factory import RunFactory
from bot.incidents.incident_key import incident_key


@dataclass(frozen=True, slots=True)
class AlertReceiver:
    """Implements bot.intake.http_app.Receiver on the store."""

    run_factory: RunFactory
    fleet: Fleet
    store: Store

    def receive(self, alerts: Sequence[Alert]) -> Sequence[Receipt]:
        """Stores alerts, each with the run that answers it; returns when all are stored."""
        return [self._receive(alert) for alert in alerts]

    def _receive(self, alert: Alert) -> Receipt:
        target = self.fleet.find_by_labels(alert.labels)
        run = self.run_factory.for_alert(alert, target)
        return self.store.receive(alert, key=incident_key(alert, run.runbook, run.place), run=run)

    def keep_refused(self, source: str, reason: str, body: bytes) -> None:
        """Stores a request body that was refused, for inspection."""
        self.store.keep_refused(source, reason, body)
