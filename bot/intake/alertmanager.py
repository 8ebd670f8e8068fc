"""Alertmanager's webhook, version 4 (notify/webhook/webhook.go; "webhook_config" of its documentation). Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from bot.alerts import ALERTMANAGER, Alert, AlertStatus
from bot.errors import WrongUsage

MAX_ALERTS = 1000
MAX_LABELS = 100
NEVER = datetime(1, 1, 1, tzinfo=UTC)
"""Go's zero time: Alertmanager's `endsAt` of an alert that has no end."""


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class WebhookAlert(_Body):
    """One alert of the body."""

    status: AlertStatus
    labels: dict[str, str] = Field(min_length=1, max_length=MAX_LABELS)
    annotations: dict[str, str] = Field(default_factory=dict, max_length=MAX_LABELS)
    startsAt: AwareDatetime  # noqa: N815 - Alertmanager's own names
    endsAt: AwareDatetime | None = None  # noqa: N815
    generatorURL: str = ""  # noqa: N815


class Webhook(_Body):
    """The body of one notification."""

    version: Literal["4"]
    alerts: tuple[WebhookAlert, ...] = Field(min_length=1, max_length=MAX_ALERTS)


def parse(body: bytes) -> list[Alert]:
    """Reads a notification; raises WrongUsage with the path of the first field that does not fit, and why."""
    try:
        webhook = Webhook.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(str(part) for part in first["loc"]) or "body"
        raise WrongUsage(f"{path}: {first['msg']}") from error
    return [_alert(alert) for alert in webhook.alerts]


def _alert(alert: WebhookAlert) -> Alert:
    ended = alert.endsAt if alert.status is AlertStatus.RESOLVED and alert.endsAt != NEVER else None
    return Alert(
        labels=alert.labels,
        annotations=alert.annotations,
        status=alert.status,
        starts_at=alert.startsAt.astimezone(UTC),
        ends_at=ended.astimezone(UTC) if ended else None,
        generator_url=alert.generatorURL,
        source=ALERTMANAGER,
    )
