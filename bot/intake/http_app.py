"""The HTTP application: alerts in, health and metrics out."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.alerts import Alert
from bot.engine.ports import Receipt
from bot.errors import FirstmateError, WrongUsage
from bot.intake import alertmanager
from bot.intake.metrics import Metrics

log = logging.getLogger(__name__)

MAX_BODY = 1024 * 1024
"""Bytes; Alertmanager's own notifications are a few KiB per alert."""

SlackHandler = Callable[[bytes, Mapping[str, str]], tuple[int, Mapping[str, str], str]]
"""Answers one signed request of Slack: (body, headers) -> (status, headers, body)."""


class Receiver(Protocol):
    """Stores alerts before it returns."""

    def receive(self, alerts: Sequence[Alert]) -> Sequence[Receipt]: ...

    def keep_refused(self, source: str, reason: str, body: bytes) -> None: ...


@dataclass(frozen=True)
class HttpIntake:
    """Everything the HTTP side needs."""

    receiver: Receiver
    token: str
    metrics: Metrics
    not_ready: Callable[[], Sequence[str]]
    """What is not ready, as sentences; empty when all is."""
    slack: SlackHandler | None = None
    _parsers: Mapping[str, Callable[[bytes], list[Alert]]] = field(
        default_factory=lambda: {"alertmanager": alertmanager.parse}
    )

    def app(self) -> Starlette:
        """The ASGI application."""
        routes = [
            Route("/alerts/{source}", self._alerts, methods=["POST"]),
            Route("/healthz", self._healthz),
            Route("/readyz", self._readyz),
            Route("/metrics", self._metrics),
        ]
        if self.slack is not None:
            routes.append(Route("/slack/events", self._slack, methods=["POST"]))
        return Starlette(routes=routes)

    async def _alerts(self, request: Request) -> Response:
        source = request.path_params["source"]
        if source not in self._parsers:
            known = ", ".join(f"/alerts/{name}" for name in self._parsers)
            return self._refuse("unknown", 404, f"There is no source {source!r}; send to {known}.")
        if not self._authentic(request.headers.get("authorization", "")):
            return self._refuse(
                source,
                401,
                "The bearer token is missing or wrong. Set it in Alertmanager under http_config.authorization.",
            )
        try:
            body = await _body(request)
        except ClientDisconnect:
            return self._refuse(source, 400, "The connection closed before the whole body arrived.")
        except WrongUsage as error:
            return self._refuse(source, 413, str(error))
        return await run_in_threadpool(self._take, source, body)

    def _take(self, source: str, body: bytes) -> Response:
        """Parses and stores; only what is stored is answered with 2xx."""
        try:
            alerts = self._parsers[source](body)
        except WrongUsage as error:
            self.receiver.keep_refused(source, str(error), body)
            return self._refuse(
                source, 400, f"The request body is not a valid Alertmanager webhook (version 4): {error}"
            )
        try:
            receipts = self.receiver.receive(alerts)
        except FirstmateError as error:
            # 503 makes Alertmanager send it again.
            return self._refuse(source, 503, str(error))
        for alert in alerts:
            self.metrics.alerts.labels(source, alert.status.value).inc()
        runs = [receipt.run for receipt in receipts if receipt.run]
        return JSONResponse({"alerts": len(alerts), "new": sum(r.fresh for r in receipts), "runs": runs})

    def _authentic(self, header: str) -> bool:
        scheme, _, token = header.partition(" ")
        same = hmac.compare_digest(token.strip().encode(), self.token.encode())
        return scheme.lower() == "bearer" and same

    def _refuse(self, source: str, code: int, says: str) -> Response:
        self.metrics.refused.labels(source, str(code)).inc()
        log.warning("refused a request for %s with %s: %s", source, code, says)
        headers = {"WWW-Authenticate": "Bearer"} if code == 401 else None
        return JSONResponse({"error": says}, status_code=code, headers=headers)

    async def _healthz(self, _: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def _readyz(self, _: Request) -> Response:
        missing = await run_in_threadpool(self.not_ready)
        return PlainTextResponse("\n".join([*missing, ""]) or "ok\n", status_code=503 if missing else 200)

    async def _metrics(self, _: Request) -> Response:
        text = await run_in_threadpool(self.metrics.text)
        return Response(text, media_type="text/plain; version=0.0.4")

    async def _slack(self, request: Request) -> Response:
        assert self.slack is not None
        try:
            body = await _body(request)
        except (ClientDisconnect, WrongUsage) as error:
            return self._refuse("slack", 413, str(error))
        status, headers, text = await run_in_threadpool(self.slack, body, dict(request.headers))
        return Response(text, status_code=status, headers=dict(headers))


async def _body(request: Request) -> bytes:
    """Reads at most MAX_BODY bytes; raises WrongUsage past that."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise WrongUsage(f"The body is larger than {MAX_BODY} bytes; send fewer alerts at once.")
    return bytes(body)
