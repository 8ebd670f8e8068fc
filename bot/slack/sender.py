"""The outbox: brings Slack to the wanted messages, one writer, within Slack's limits, never twice."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.engine.outbox import Envelope, Outbox, Priority
from bot.engine.run import Run
from bot.slack import charts
from bot.slack import run_card as cards
from bot.slack.api_errors import NO_ANSWER, refusal
from bot.slack.blocks import Block

log = logging.getLogger(__name__)

EVENT = "firstmate_message"
"""event_type of the metadata by which a message that may have been posted is found again."""
BURST, PER_SECOND = 3, 1.0
"""Posts to one channel: Slack takes about one a second, and short bursts."""
EDITS, EDITS_WITHIN = 3, 3.0
"""Edits of one message, and the seconds in which they may come: the first ones go at once."""
PROGRESS_GAP = 1.0
"""Seconds between two edits that only show progress."""
SLOWEST_RETRY = 60.0
LOOK_BACK = 100
"""Messages that are looked through for one that may have been posted."""


class SlackPublisher:
    """Implements bot.engine.ports.Desk: draws a run's cards and wants them."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def publish(self, run: Run) -> None:
        for message in cards.render(run):
            self._outbox.put(message)


class Pace:
    """When the next post to a channel, or the next edit of a message, may go."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._posts: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=BURST))
        self._edits: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=EDITS))
        self._closed: dict[str, float] = {}

    def allows(self, envelope: Envelope) -> bool:
        now = self._clock()
        if self._closed.get(envelope.channel, 0.0) > now:
            return False
        if envelope.ts is not None:
            edits = self._edits[envelope.key]
            if envelope.priority is Priority.PROGRESS:
                # Progress gives way, so that the cause finds its edit free.
                return not edits or now - edits[-1] >= PROGRESS_GAP
            return len(edits) < EDITS or now - edits[0] >= EDITS_WITHIN
        posts = self._posts[envelope.channel]
        return len(posts) < BURST or now - posts[0] >= BURST / PER_SECOND

    def went(self, envelope: Envelope) -> None:
        if envelope.ts is None:
            self._posts[envelope.channel].append(self._clock())
            return
        if len(self._edits) > 10_000:
            self._edits.clear()
        self._edits[envelope.key].append(self._clock())

    def close(self, channel: str, seconds: float) -> None:
        """Slack asked to wait: nothing goes to the channel until then."""
        self._closed[channel] = self._clock() + seconds


class Sender:
    """The one writer to Slack: a thread that sends what is due, in the replica of the bot that leads."""

    def __init__(
        self,
        client: WebClient,
        outbox: Outbox,
        *,
        pace: Pace | None = None,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        self._leads = leads
        self._client = client
        self._outbox = outbox
        self._pace = pace or Pace()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="outbox", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Something new is wanted."""
        self._wake.set()

    def stop(self, within: float = 3.0) -> None:
        """Sends what may go at once, then ends; the rest stays in the mailbox for the next start."""
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
                # The edge of this thread: it must outlive whatever breaks, and says so in the log.
                log.exception("the outbox stumbled")
                sent = 0
            if self._stopping.is_set() and sent == 0:
                return
            if sent == 0:
                self._wake.wait(0.2)

    def send_due(self) -> int:
        """Sends every due message that its pace allows now; returns how many went."""
        sent = 0
        if not self._leads():
            return 0
        for envelope in self._outbox.due():
            if self._leads() and self._pace.allows(envelope):
                self._pace.went(envelope)
                self._send(envelope)
                sent += 1
        return sent

    def _send(self, envelope: Envelope) -> None:
        """Sends one message and books what came of it."""
        try:
            if envelope.doubtful and envelope.ts is None:
                found = self._find(envelope)
                if found is not None:
                    # It is there, perhaps with an older content: an empty digest lets the next round edit it.
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
        """Posts, edits or uploads; returns where it stands."""
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
            return envelope.ts  # a file is not edited
        picture, text = _file_names(envelope.key)
        if "chart" in payload:
            title = payload["chart"]["title"]
            given = {"filename": picture, "content": charts.png(payload["chart"]), "alt_txt": title}
        else:
            title = payload["file"]["title"]
            given = {"filename": text, "content": payload["file"]["text"]}
        answer = self._client.files_upload_v2(
            channel=envelope.channel, thread_ts=envelope.root_ts, title=title, **given
        )
        return str(answer["file"]["id"])

    def _find(self, envelope: Envelope) -> str | None:
        """Looks whether the message is in Slack already, by its key in the metadata or the file's name."""
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
        """It may be there or not: the next attempt looks first."""
        log.warning("no answer from Slack over %s: %s", envelope.key, why)
        self._outbox.lost(envelope.key, why[:300], retry_in=_backoff(envelope.attempt))

    def _refused(self, envelope: Envelope, error: SlackApiError) -> None:
        """Slack said no: wait as long as it asks, or send a plainer version of what it cannot draw."""
        answer = error.response
        code = refusal(error)
        status = getattr(answer, "status_code", 0)
        if status == 429 or code == "ratelimited":
            wait = float(answer.headers.get("Retry-After", 1))
            self._pace.close(envelope.channel, wait)
            self._outbox.refused(envelope.key, "Slack asked to wait", retry_in=wait)
            return
        if status >= 500:
            self._lost(envelope, f"Slack answered {status}")
            return
        log.warning("Slack refused %s in %s: %s", envelope.key, envelope.channel, code)
        if code in ("invalid_blocks", "invalid_blocks_format", "msg_too_long", "invalid_attachments"):
            self._send_plain(envelope)
            return
        self._outbox.refused(envelope.key, code, retry_in=_backoff(envelope.attempt + 3))

    def _send_plain(self, envelope: Envelope) -> None:
        """What a workspace without the newest blocks can draw: the same without its tables."""
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
    """What a picture, or a text, of the message of this key is called."""
    name = key.replace(":", "-")
    return f"{name}.png", f"{name}.txt"


def plain_blocks(blocks: list[Block]) -> list[Block]:
    """The blocks that every workspace can draw."""
    return [b for b in blocks if b["type"] in ("header", "section", "context", "actions")]


def _backoff(attempt: int) -> float:
    return float(min(SLOWEST_RETRY, 0.5 * 2.0 ** min(attempt, 10)))
