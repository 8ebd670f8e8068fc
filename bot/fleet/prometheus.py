"""Queries to Prometheus; the only code that imports prometheus_api_client."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from urllib3.util.retry import Retry

from actions.contract import Sample, Seconds, Series, Unreadable

ANSWER_WITHIN = 2.0
"""Seconds for one query."""
MOST_POINTS = 1000
"""Points of one series that are kept."""

_UNUSABLE = (requests.RequestException, PrometheusApiClientException, ValueError, KeyError, TypeError)


class PrometheusReader:
    """Reads one Prometheus; implements actions.contract.Prometheus."""

    def __init__(self, url: str, *, timeout: float = ANSWER_WITHIN) -> None:
        self._url = url.rstrip("/")
        # No retry: an incident does not wait, and the card says what is missing.
        self._client = PrometheusConnect(url=self._url, retry=Retry(total=0), timeout=timeout)

    def instant(self, query: str, *, limit: int = 200) -> list[Series]:
        """Evaluates `query` now; see the contract."""
        found = self._ask(query, lambda: self._client.custom_query(query))
        return [Series(dict(each["metric"]), _samples([each["value"]])) for each in found[:limit]]

    def range(self, query: str, *, start: datetime, end: datetime, step: Seconds, limit: int = 50) -> list[Series]:
        """Evaluates `query` over a while; see the contract."""
        found = self._ask(query, lambda: self._client.custom_query_range(query, start, end, f"{step:g}"))
        return [Series(dict(each["metric"]), _samples(each["values"])) for each in found[:limit]]

    def _ask(self, query: str, ask: Callable[[], Any]) -> list[Any]:
        try:
            found = ask()
        except requests.ConnectionError as error:
            raise Unreadable(f"Prometheus at {self._url} does not answer; look whether it is up.") from error
        except requests.Timeout as error:
            raise Unreadable(f"Prometheus at {self._url} took too long over {_short(query)!r}.") from error
        except _UNUSABLE as error:
            raise Unreadable(f"Prometheus at {self._url} refused {_short(query)!r}: {str(error)[:300]}") from error
        if not isinstance(found, list) or any("metric" not in each for each in found if isinstance(each, dict)):
            raise Unreadable(f"{_short(query)!r} does not evaluate to series; write an expression that does.")
        return [each for each in found if isinstance(each, dict)]


def _samples(points: list[Any]) -> tuple[Sample, ...]:
    """The points as numbers; those that are not finite are left out, since nothing can be drawn of them."""
    samples = (Sample(float(at), float(value)) for at, value in points[-MOST_POINTS:])
    return tuple(sample for sample in samples if math.isfinite(sample.value))


def _short(query: str) -> str:
    return query if len(query) <= 80 else query[:79] + "…"
