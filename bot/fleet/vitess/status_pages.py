"""Reads status pages of Vitess components over HTTP, as JSON, text or metrics. The timeout covers the whole page."""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from typing import Any

import requests
from prometheus_client.parser import text_string_to_metric_families
from urllib3.exceptions import HTTPError, ReadTimeoutError

from actions.contract import Seconds
from actions.prometheus_contract import Sample, Series
from bot.errors import Unreachable

MOST_BYTES = 8_000_000
"""The most bytes of one page."""
CONNECT_WITHIN = 1.0
"""Seconds until a connection times out."""


class Pages:
    """Reads pages, without cookies or retries."""

    def __init__(self, timeout: Seconds) -> None:
        self._timeout = timeout

    def read(self, url: str) -> tuple[int, str]:
        """Returns the status and the text of a page; raises Unreachable with the reason.

        The timeout applies to the whole answer, since some pages never end.
        """
        deadline = time.monotonic() + self._timeout
        content = bytearray()
        try:
            with requests.get(
                url,
                timeout=(CONNECT_WITHIN, self._timeout),
                stream=True,
                allow_redirects=False,
                headers={"Accept": "application/json, text/plain"},
            ) as answer:
                # As much as has come, each time: iter_content would wait until a piece is full.
                while piece := answer.raw.read1(65_536, decode_content=True):
                    content += piece
                    if len(content) > MOST_BYTES:
                        raise Unreachable(f"{url} is longer than {MOST_BYTES:,} bytes, the limit for a page.")
                    if time.monotonic() > deadline:
                        raise Unreachable(f"{url} did not end within {self._timeout:g} s.")
                return answer.status_code, content.decode("utf-8", errors="replace")
        except requests.Timeout as error:
            raise Unreachable(f"{url} did not answer within {self._timeout:g} s.") from error
        except ReadTimeoutError as error:
            raise Unreachable(f"{url} did not end within {self._timeout:g} s.") from error
        except (requests.RequestException, HTTPError) as error:
            refused = "Connection refused" in str(error)
            how = "connection refused" if refused else type(error).__name__
            raise Unreachable(f"{url} does not answer ({how}).") from error

    def page(self, url: str) -> Any:  # noqa: ANN401 - JSON
        """Returns a page as JSON, or as text if it is not JSON; raises Unreachable.

        Any redirect is an error, since Vitess redirects unknown paths to its status page. The error contains the text
        of an error page, such as that of /debug/health.
        """
        status, text = self.read(url)
        if 300 <= status < 400:
            raise Unreachable(f"{url} does not exist (the component redirects).")
        if status >= 400:
            raise Unreachable(f"{url} answered {status}: {' '.join(text.split())[:200] or 'empty page'}")
        try:
            return json.loads(text)
        except ValueError:
            return text

    def metrics(self, url: str, names: Collection[str]) -> tuple[Series, ...]:
        """Returns the series with these names from a page of metrics; raises Unreachable."""
        status, text = self.read(url)
        if status != 200:
            raise Unreachable(f"{url} answered {status}.")
        wanted = "\n".join(line for line in text.splitlines() if line.partition("{")[0].partition(" ")[0] in names)
        try:
            return tuple(
                Series({"__name__": sample.name, **sample.labels}, (Sample(0.0, float(sample.value)),))
                for family in text_string_to_metric_families(wanted + "\n")
                for sample in family.samples
            )
        except ValueError as error:
            raise Unreachable(f"{url} contains malformed metrics: {error}") from error
