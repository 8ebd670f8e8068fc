"""Delivers payloads to the app over Socket Mode, or as signed HTTP if a request URL is set; with Slack's retries."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import http.client
import json
import time
import uuid
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode, urlsplit

from bot.lab.slack_workspace.app_delivery.socket_mode import SocketMode
from bot.lab.slack_workspace.model import Json
from bot.lab.slack_workspace.traffic_journal import Journal

Kind = Literal["events_api", "slash_commands", "interactive"]
ACK_SECONDS = 3.0
RETRY_DELAYS = (0.5, 60.0, 300.0)  # seconds


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Returns the X-Slack-Signature of a body: `v0=` and the HMAC-SHA256 of `v0:timestamp:body`."""
    return "v0=" + hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """The result of a delivery: the ack's payload, or the error that Slack shows to the user."""

    acked: bool
    payload: Json | str | None = None
    error: str = ""


class Delivery:
    """Delivers payloads to the app and waits for its ack."""

    def __init__(self, journal: Journal, sockets: SocketMode, signing_secret: str, request_url: str = "") -> None:
        self._journal = journal
        self._sockets = sockets
        self._secret = signing_secret
        self.request_url = request_url
        self.ack_seconds = ACK_SECONDS
        self.retry_delays: tuple[float, ...] = RETRY_DELAYS
        self._tasks: set[asyncio.Task[None]] = set()

    def event(self, payload: Json) -> None:
        """Delivers an event in the background, with up to three retries until the app acks it."""
        task = asyncio.get_running_loop().create_task(self._event(payload))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _event(self, payload: Json) -> None:
        name = str(payload["event"].get("subtype") or payload["event"]["type"])
        reason = ""
        for attempt, delay in enumerate((0.0, *self.retry_delays)):
            await asyncio.sleep(delay)
            result = await self._send("events_api", payload, attempt, reason)
            self._journal.add(
                "event", name, event_id=payload["event_id"], attempt=attempt, acked=result.acked,
                error=result.error, payload=payload,
            )  # fmt: skip
            if result.acked:
                return
            reason = {"operation_timeout": "timeout", "dispatch_failed": "connection_failed"}.get(
                result.error, "http_error"
            )

    async def ask(self, kind: Kind, name: str, payload: Json) -> DeliveryResult:
        """Delivers a command, click or submission once and returns the result."""
        result = await self._send(kind, payload)
        self._journal.add(
            "command" if kind == "slash_commands" else "interaction", name, acked=result.acked,
            error=result.error, payload=payload, response=result.payload,
        )  # fmt: skip
        return result

    async def _send(self, kind: Kind, payload: Json, attempt: int = 0, reason: str = "") -> DeliveryResult:
        try:
            if self.request_url:
                return await asyncio.to_thread(self._post, kind, payload, attempt, reason)
            envelope: Json = {
                "envelope_id": str(uuid.uuid4()),
                "type": kind,
                "payload": payload,
                "accepts_response_payload": kind != "events_api",
            }
            if kind == "events_api":
                envelope |= {"retry_attempt": attempt, "retry_reason": reason}
            return DeliveryResult(True, await self._sockets.deliver(envelope, self.ack_seconds))
        except TimeoutError:
            return DeliveryResult(False, error="operation_timeout")
        except (OSError, http.client.HTTPException):
            return DeliveryResult(False, error="dispatch_failed")

    def _post(self, kind: Kind, payload: Json, attempt: int, reason: str) -> DeliveryResult:
        retries = {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": reason} if attempt else {}
        status, kind_of_body, body = self._signed(kind, payload, retries)
        if status != 200:
            return DeliveryResult(False, error="http_error" if kind == "events_api" else "dispatch_failed")
        text = body.decode(errors="replace")
        if "json" in kind_of_body and text:
            try:
                return DeliveryResult(True, json.loads(text))
            except ValueError:
                return DeliveryResult(False, error="dispatch_failed")
        return DeliveryResult(True, text or None)

    def _signed(self, kind: Kind, payload: Json, headers: dict[str, str]) -> tuple[int, str, bytes]:
        content = "application/x-www-form-urlencoded"
        if kind == "events_api":
            content, body = "application/json", json.dumps(payload).encode()
        elif kind == "slash_commands":
            body = urlencode(payload).encode()
        else:
            body = urlencode({"payload": json.dumps(payload)}).encode()
        timestamp = str(int(time.time()))
        url = urlsplit(self.request_url)
        connection = http.client.HTTPConnection(url.hostname or "", url.port or 80, timeout=self.ack_seconds)
        try:
            connection.request(
                "POST",
                url.path or "/",
                body,
                {
                    "Content-Type": content,
                    "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
                    "X-Slack-Request-Timestamp": timestamp,
                    "X-Slack-Signature": signature(self._secret, timestamp, body),
                    **headers,
                },
            )
            answer = connection.getresponse()
            return answer.status, answer.getheader("Content-Type", "").lower(), answer.read()
        finally:
            connection.close()

    async def verify_url(self, challenge: str) -> bool:
        """Returns whether the request URL answers a challenge, as Slack requires when the URL is saved."""
        payload = {"type": "url_verification", "token": "local", "challenge": challenge}
        try:
            status, _, body = await asyncio.to_thread(self._signed, "events_api", payload, {})
        except OSError:
            return False
        return status == 200 and challenge.encode() in body

    def stop(self) -> None:
        """Cancels all deliveries in progress."""
        for task in list(self._tasks):
            task.cancel()
