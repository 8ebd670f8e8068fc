"""Sends the messages of the outbox to Slack: in one thread, within Slack's rate limits, each message once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.engine.outbox_port import Envelope, Outbox
from bot.slack import chart_image
from bot.slack.api_errors import NO_ANSWER, refusal
from bot.slack.blocks import Block
from bot.slack.rate_limit import RateLimit

log = logging.getLogger(__name__)

EVENT = "firstmate_message"
"""The `event_type` of the metadata that identifies a message in Slack."""
LONGEST_BACKOFF = 60.0
"""Seconds between two attempts, at most."""
LOOK_BACK = 100
"""The number of recent messages that are searched for one that may have been posted."""


class Sender:
    """A thread that sends due messages. With several replicas of the bot, only the leader sends."""

    def __init__(
        self,
        client: WebClient,
        outbox: Outbox,
        *,
        rate_limit: RateLimit | None = None,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        self._leads = leads
        self._client = client
        self._outbox = outbox
        self._rate_limit = rate_limit or RateLimit()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="outbox", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Makes the thread check the outbox at once."""
        self._wake.set()

    def stop(self, within: float = 3.0) -> None:
        """Sends what the rate limits allow now, then ends the thread; other messages stay in the outbox."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(within)

    def _work(self) -> None:
        while True:
            self._wake.clear()
            try:
                sent = self.send_due()
            except Exception:
                # The thread must survive every error.
                log.exception("sending messages to Slack failed; the sender continues")
                sent = 0
            if self._stopping.is_set() and sent == 0:
                return
            if sent == 0:
                self._wake.wait(0.2)

    def send_due(self) -> int:
        """Sends every due message that the rate limits allow now; returns how many it sent."""
        sent = 0
        if not self._leads():
            return 0
        for envelope in self._outbox.due():
            if self._leads() and self._rate_limit.allows(envelope):
                self._rate_limit.sent(envelope)
                self._send(envelope)
                sent += 1
        return sent

    def _send(self, envelope: Envelope) -> None:
        """Sends one message and records the result in the outbox."""
        try:
            if envelope.doubtful and envelope.ts is None:
                found = self._find(envelope)
                if found is not None:
                    # It was posted, perhaps with older content; an empty digest makes the next round edit it.
                    self._outbox.sent(envelope.key, "", found)
                    self._wake.set()
                    return
            self._outbox.sending(envelope.key)
            payload, digest = self._outbox.content(envelope.key)
            ts = self._deliver(envelope, payload)
        except SlackApiError as error:
            self._refused(envelope, error)
        except NO_ANSWER as error:
            self._lost(envelope, str(error))
        else:
            self._outbox.sent(envelope.key, digest, ts)

    def _deliver(self, envelope: Envelope, payload: dict[str, Any]) -> str:
        """Posts, edits or uploads a message; returns its timestamp, or the id of its file."""
        if "chart" in payload or "file" in payload:
            return self._upload(envelope, payload)
        common: dict[str, Any] = {
            "channel": envelope.channel,
            "text": payload["text"],
            "blocks": payload["blocks"],
            "attachments": payload.get("attachments", []),
            "metadata": {"event_type": EVENT, "event_payload": {"key": envelope.key}},
        }
        if envelope.ts is not None:
            return str(self._client.chat_update(ts=envelope.ts, **common)["ts"])
        answer = self._client.chat_postMessage(
            thread_ts=envelope.root_ts,
            reply_broadcast=bool(envelope.root_ts and payload.get("broadcast")),
            unfurl_links=False,
            unfurl_media=False,
            **common,
        )
        return str(answer["ts"])

    def _upload(self, envelope: Envelope, payload: dict[str, Any]) -> str:
        if envelope.ts is not None:
            return envelope.ts  # files are never edited
        picture, text = _file_names(envelope.key)
        if "chart" in payload:
            title = payload["chart"]["title"]
            given = {"filename": picture, "content": chart_image.png(payload["chart"]), "alt_txt": title}
        else:
            title = payload["file"]["title"]
            given = {"filename": text, "content": payload["file"]["text"]}
        answer = self._client.files_upload_v2(
            channel=envelope.channel, thread_ts=envelope.root_ts, title=title, **given
        )
        return str(answer["file"]["id"])

    def _find(self, envelope: Envelope) -> str | None:
        """Finds the message in Slack by the key in its metadata or its file name; returns its timestamp or file id."""
        if envelope.threaded:
            answer = self._client.conversations_replies(
                channel=envelope.channel, ts=str(envelope.root_ts), limit=LOOK_BACK, include_all_metadata=True
            )
        else:
            answer = self._client.conversations_history(
                channel=envelope.channel, limit=LOOK_BACK, include_all_metadata=True
            )
        names = _file_names(envelope.key)
        for message in answer.get("messages") or []:
            metadata = message.get("metadata") or {}
            if metadata.get("event_type") == EVENT and metadata["event_payload"].get("key") == envelope.key:
                return str(message["ts"])
            for file in message.get("files") or []:
                if file.get("name") in names:
                    return str(file["id"])
        return None

    def _lost(self, envelope: Envelope, why: str) -> None:
        """Records that Slack may or may not have posted the message; the next attempt searches for it first."""
        log.warning("Slack did not answer for message %s: %s", envelope.key, why)
        self._outbox.lost(envelope.key, why[:300], retry_in=_backoff(envelope.attempt))

    def _refused(self, envelope: Envelope, error: SlackApiError) -> None:
        """Handles an error from Slack: waits as long as it asks, or resends a message without unsupported blocks."""
        answer = error.response
        code = refusal(error)
        status = getattr(answer, "status_code", 0)
        if status == 429 or code == "ratelimited":
            wait = float(answer.headers.get("Retry-After", 1))
            self._rate_limit.block(envelope.channel, wait)
            self._outbox.refused(envelope.key, "rate limited by Slack", retry_in=wait)
            return
        if status >= 500:
            self._lost(envelope, f"Slack answered with HTTP {status}")
            return
        log.warning("Slack refused message %s in channel %s: %s", envelope.key, envelope.channel, code)
        if code in ("invalid_blocks", "invalid_blocks_format", "msg_too_long", "invalid_attachments"):
            self._send_plain(envelope)
            return
        self._outbox.refused(envelope.key, code, retry_in=_backoff(envelope.attempt + 3))

    def _send_plain(self, envelope: Envelope) -> None:
        """Sends the message without the blocks that some workspaces do not support, such as tables."""
        wanted, digest = self._outbox.content(envelope.key)
        payload = {**wanted, "blocks": plain_blocks(wanted["blocks"]), "attachments": []}
        try:
            ts = self._deliver(envelope, payload)
        except SlackApiError as error:
            self._outbox.refused(envelope.key, refusal(error), retry_in=_backoff(envelope.attempt + 3))
        except NO_ANSWER as error:
            self._lost(envelope, str(error))
        else:
            self._outbox.sent(envelope.key, digest, ts)


def _file_names(key: str) -> tuple[str, str]:
    """Returns the names of the image and of the text file of a message."""
    name = key.replace(":", "-")
    return f"{name}.png", f"{name}.txt"


def plain_blocks(blocks: list[Block]) -> list[Block]:
    """Returns the blocks that every workspace supports."""
    return [b for b in blocks if b["type"] in ("header", "section", "context", "actions")]


def _backoff(attempt: int) -> float:
    return float(min(LONGEST_BACKOFF, 0.5 * 2.0 ** min(attempt, 10)))
