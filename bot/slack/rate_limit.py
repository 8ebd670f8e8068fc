"""Slack's rate limits: when the next post to a channel, or the next edit of a message, may be sent."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable

from bot.engine.outbox_port import Envelope, Priority

BURST, PER_SECOND = 3, 1.0
"""Posts to one channel: Slack accepts about one per second, and short bursts."""
EDITS, EDITS_WITHIN = 3, 3.0
"""The most edits of one message within a number of seconds."""
PROGRESS_GAP = 1.0
"""Seconds between two edits that only show progress."""


class RateLimit:
    """Counts posts per channel and edits per message."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._posts: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=BURST))
        self._edits: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=EDITS))
        self._blocked_until: dict[str, float] = {}

    def allows(self, envelope: Envelope) -> bool:
        """Returns whether the message may be sent now."""
        now = self._clock()
        if self._blocked_until.get(envelope.channel, 0.0) > now:
            return False
        if envelope.ts is not None:
            edits = self._edits[envelope.key]
            if envelope.priority is Priority.PROGRESS:
                # Progress leaves room, so that the edit with the cause is not delayed.
                return not edits or now - edits[-1] >= PROGRESS_GAP
            return len(edits) < EDITS or now - edits[0] >= EDITS_WITHIN
        posts = self._posts[envelope.channel]
        return len(posts) < BURST or now - posts[0] >= BURST / PER_SECOND

    def sent(self, envelope: Envelope) -> None:
        """Counts a message that is sent now."""
        if envelope.ts is None:
            self._posts[envelope.channel].append(self._clock())
            return
        if len(self._edits) > 10_000:
            self._edits.clear()
        self._edits[envelope.key].append(self._clock())

    def block(self, channel: str, seconds: float) -> None:
        """Allows nothing in the channel for some seconds, as Slack asked."""
        self._blocked_until[channel] = self._clock() + seconds
