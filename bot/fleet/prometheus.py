"""Queries to Prometheus; the only code that imports prometheus_api_client."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
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
MOST_BYTES = 8_000_000
"""Bytes of one answer that are read."""

_UNUSABLE = (requests.RequestException, PrometheusApiClientException, ValueError, KeyError, TypeError, IndexError)


class TooLarge(requests.RequestException):
    """The answer is larger than what is read."""


class NotAnswered(requests.RequestException):
    """Prometheus answered with an error; the message is its own."""


class BoundedSession(requests.Session):
    """Reads answers up to a size, and takes an error of Prometheus for what it says."""

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
            raise NotAnswered(_its_words(response), response=response)
        return response


class PrometheusReader:
    """Reads one Prometheus; implements actions.contract.Prometheus."""

    def __init__(self, url: str, *, timeout: Seconds = ANSWER_WITHIN) -> None:
        self._url = url.rstrip("/")
        # No retry: an incident does not wait, and the card says what is missing.
        self._client = PrometheusConnect(url=self._url, retry=Retry(total=0), timeout=timeout, session=BoundedSession())
        self._within = f"{timeout:g}s"

    def instant(self, query: str, *, limit: int = 200) -> list[Series]:
        """Evaluates `query` now; see the contract. A scalar is a series without labels."""
        found = self._ask(query, lambda: self._client.custom_query(query, params=self._bounds(limit)))
        if len(found) == 2 and not isinstance(found[0], dict):
            return [Series({}, self._samples(query, [found]))]
        if any("value" not in each for each in found):
            raise Unreadable(f"{_short(query)!r} does not evaluate to one value for each series; ask prometheus.range.")
        return [Series(dict(each["metric"]), self._samples(query, [each["value"]])) for each in found[:limit]]

    def range(self, query: str, *, start: datetime, end: datetime, step: Seconds, limit: int = 50) -> list[Series]:
        """Evaluates `query` over a while; see the contract."""
        bounds = self._bounds(limit)
        found = self._ask(query, lambda: self._client.custom_query_range(query, start, end, f"{step:g}", params=bounds))
        return [Series(dict(each["metric"]), self._samples(query, each["values"])) for each in found[:limit]]

    def _bounds(self, limit: int) -> dict[str, str]:
        """What Prometheus itself bounds: time always, the number of series from 2.54 on."""
        return {"timeout": self._within, "limit": str(limit)}

    def _ask(self, query: str, ask: Callable[[], Any]) -> list[Any]:
        try:
            found = ask()
        except requests.Timeout as error:
            raise Unreadable(f"Prometheus at {self._url} took too long over {_short(query)!r}.") from error
        except TooLarge as error:
            raise Unreadable(
                f"Prometheus at {self._url} answered with more than {MOST_BYTES:,} bytes over {_short(query)!r}; "
                "ask for fewer series."
            ) from error
        except requests.ConnectionError as error:
            raise Unreadable(f"Prometheus at {self._url} does not answer; look whether it is up.") from error
        except _UNUSABLE as error:
            raise Unreadable(f"Prometheus at {self._url} refused {_short(query)!r}: {str(error)[:300]}") from error
        if not isinstance(found, list):
            raise Unreadable(f"{_short(query)!r} does not evaluate to series; write an expression that does.")
        return found

    def _samples(self, query: str, points: Iterable[Any]) -> tuple[Sample, ...]:
        """The points as numbers; those that are not finite are left out, since nothing can be drawn of them."""
        try:
            samples = tuple(Sample(float(at), float(value)) for at, value in list(points)[-MOST_POINTS:])
        except (ValueError, TypeError) as error:
            raise Unreadable(f"{_short(query)!r} does not evaluate to numbers; write one that does.") from error
        return tuple(sample for sample in samples if math.isfinite(sample.value))


def _its_words(response: requests.Response) -> str:
    try:
        return str(response.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {response.status_code}"


def _short(query: str) -> str:
    return query if len(query) <= 80 else query[:79] + "…"
