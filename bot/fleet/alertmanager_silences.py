"""Creates and ends silences in Alertmanager with its API v2 (api/v2/openapi.yaml of Alertmanager 0.27 and later)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from bot.errors import Unreachable
from bot.fleet.prometheus_reader import BoundedSession

ANSWER_WITHIN = 3.0
"""Seconds until a call times out."""
_GONE = (404, 500)
"""Status codes for a silence that does not exist or has expired; Alertmanager before 0.28 answers 500."""


class AlertmanagerSilencer:
    """Silences alerts in one Alertmanager; implements bot.engine.ports.Silencer."""

    def __init__(self, url: str, *, timeout: float = ANSWER_WITHIN) -> None:
        self._url = url.rstrip("/")
        self._timeout = timeout
        self._session = BoundedSession()

    def silence(self, labels: Mapping[str, str], *, seconds: float, by: str, why: str) -> str:
        begins = datetime.now(UTC)
        answer = self._call(
            "POST",
            "silences",
            json={
                "matchers": [
                    {"name": name, "value": value, "isRegex": False, "isEqual": True}
                    for name, value in sorted(labels.items())
                ],
                "startsAt": begins.isoformat(),
                "endsAt": (begins + timedelta(seconds=seconds)).isoformat(),
                "createdBy": f"Firstmate for {by}",
                "comment": why,
            },
        )
        try:
            return str(answer.json()["silenceID"])
        except (ValueError, KeyError, TypeError) as error:
            raise Unreachable(
                f"Alertmanager at {self._url} returned a malformed answer instead of a silence."
            ) from error

    def end(self, silence: str) -> None:
        try:
            self._call("DELETE", f"silence/{silence}")
        except _CallFailed as error:
            if error.status not in _GONE:
                raise

    def fires(self, labels: Mapping[str, str]) -> bool:
        filters = [f"{name}={_quoted(value)}" for name, value in sorted(labels.items())]
        answer = self._call("GET", "alerts", params={"filter": filters})
        try:
            return any(alert["labels"] == dict(labels) for alert in answer.json())
        except (ValueError, KeyError, TypeError) as error:
            raise Unreachable(f"Alertmanager at {self._url} returned a malformed answer instead of alerts.") from error

    def answers(self) -> None:
        """Requests its status; raises Unreachable."""
        self._call("GET", "status")

    def _call(self, method: str, path: str, **arguments: Any) -> requests.Response:  # noqa: ANN401 - as requests has it
        try:
            return self._session.request(method, f"{self._url}/api/v2/{path}", timeout=self._timeout, **arguments)
        except requests.RequestException as error:
            status = error.response.status_code if error.response is not None else None
            said = f"{str(error)[:200]}" if status else f"does not answer ({type(error).__name__})"
            raise _CallFailed(f"Alertmanager at {self._url} {said}.", status) from error


class _CallFailed(Unreachable):
    """An error of Alertmanager, with its HTTP status; None without an answer."""

    def __init__(self, says: str, status: int | None) -> None:
        super().__init__(says)
        self.status = status


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
