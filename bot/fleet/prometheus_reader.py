"""Queries Prometheus. No other module imports prometheus_api_client."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from urllib3.util.retry import Retry

from actions.contract import Seconds, Unreadable
from actions.prometheus_contract import Sample, Series

ANSWER_WITHIN = 2.0
"""Seconds until a query times out."""
MOST_POINTS = 1000
"""The most points of one series; older ones are dropped."""
MOST_BYTES = 8_000_000
"""The most bytes of one answer."""

_UNUSABLE = (requests.RequestException, PrometheusApiClientException, ValueError, KeyError, TypeError, IndexError)


class TooLarge(requests.RequestException):
    """The answer is larger than MOST_BYTES."""


class NotAnswered(requests.RequestException):
    """The server answered with an error status; the message is its own."""


class BoundedSession(requests.Session):
    """A session that limits the size of answers, and raises error answers with their own message."""

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # noqa: ANN401 - as its base
        response = super().send(request, **{**kwargs, "stream": True})
        content = bytearray()
        for chunk in response.iter_content(65_536):
            content += chunk
            if len(content) > MOST_BYTES:
                response.close()
                raise TooLarge(response=response)
        response._content = bytes(content)
        if not response.ok:
            raise NotAnswered(_message(response), response=response)
        return response


class PrometheusReader:
    """Reads one Prometheus; implements actions.prometheus_contract.Prometheus."""

    def __init__(self, url: str, *, timeout: Seconds = ANSWER_WITHIN) -> None:
        self._url = url.rstrip("/")
        # No retries: triage must be fast, and the card names missing evidence.
        self._client = PrometheusConnect(url=self._url, retry=Retry(total=0), timeout=timeout, session=BoundedSession())
        self._within = f"{timeout:g}s"

    def instant(self, query: str, *, limit: int = 200) -> list[Series]:
        """Evaluates `query` now; see the contract. A scalar is a series without labels."""
        found = self._ask(query, lambda: self._client.custom_query(query, params=self._bounds(limit)))
        if len(found) == 2 and not isinstance(found[0], dict):
            return [Series({}, self._samples(query, [found]))]
        if any("value" not in each for each in found):
            raise Unreadable(
                f"{_short(query)!r} does not evaluate to one value per series. Use prometheus.range instead."
            )
        return [Series(dict(each["metric"]), self._samples(query, [each["value"]])) for each in found[:limit]]

    def range(self, query: str, *, start: datetime, end: datetime, step: Seconds, limit: int = 50) -> list[Series]:
        """Evaluates `query` over a period; see the contract."""
        bounds = self._bounds(limit)
        found = self._ask(query, lambda: self._client.custom_query_range(query, start, end, f"{step:g}", params=bounds))
        return [Series(dict(each["metric"]), self._samples(query, each["values"])) for each in found[:limit]]

    def _bounds(self, limit: int) -> dict[str, str]:
        """Returns the limits that Prometheus enforces: the time, and from 2.54 on the number of series."""
        return {"timeout": self._within, "limit": str(limit)}

    def _ask(self, query: str, ask: Callable[[], Any]) -> list[Any]:
        try:
            found = ask()
        except requests.Timeout as error:
            raise Unreadable(f"Prometheus at {self._url} did not answer {_short(query)!r} in time.") from error
        except TooLarge as error:
            raise Unreadable(
                f"Prometheus at {self._url} returned more than {MOST_BYTES:,} bytes for {_short(query)!r}. "
                "Query fewer series."
            ) from error
        except requests.ConnectionError as error:
            raise Unreadable(f"Prometheus at {self._url} does not answer. Check that it is running.") from error
        except _UNUSABLE as error:
            raise Unreadable(f"Prometheus at {self._url} refused {_short(query)!r}: {str(error)[:300]}") from error
        if not isinstance(found, list):
            raise Unreadable(f"{_short(query)!r} does not evaluate to series. Correct the expression.")
        return found

    def _samples(self, query: str, points: Iterable[Any]) -> tuple[Sample, ...]:
        """Returns the points as numbers, without values that are not finite, since those cannot be drawn."""
        try:
            samples = tuple(Sample(float(at), float(value)) for at, value in list(points)[-MOST_POINTS:])
        except (ValueError, TypeError) as error:
            raise Unreadable(f"{_short(query)!r} does not evaluate to numbers. Correct the expression.") from error
        return tuple(sample for sample in samples if math.isfinite(sample.value))


def _message(response: requests.Response) -> str:
    try:
        return str(response.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {response.status_code}"


def _short(query: str) -> str:
    return query if len(query) <= 80 else query[:79] + "…"
