"""Slack's rate limits: calls per minute by method, and one message per second and channel, with a short burst."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100}
TIER = {  # https://docs.slack.dev/apis/web-api/rate-limits
    "apps.connections.open": 1,
    "bots.info": 3,
    "chat.delete": 3,
    "chat.postEphemeral": 4,
    "chat.update": 3,
    "conversations.history": 3,
    "conversations.info": 3,
    "conversations.list": 2,
    "conversations.members": 4,
    "conversations.replies": 3,
    "files.completeUploadExternal": 4,
    "files.getUploadURLExternal": 4,
    "files.info": 4,
    "reactions.add": 3,
    "team.info": 3,
    "usergroups.list": 2,
    "usergroups.users.list": 2,
    "users.info": 4,
    "users.list": 2,
    "views.open": 4,
    "views.publish": 4,
    "views.push": 4,
    "views.update": 4,
}


@dataclass(slots=True)
class _Bucket:
    level: float
    at: float


class Limits:
    """Token buckets per app; `enforced` enables them, `channel_rate` is in messages per second and channel."""

    def __init__(self, clock: Callable[[], float], enforced: bool = True) -> None:
        self.enforced = enforced
        self.channel_rate = 1.0
        self.channel_burst = 3
        self.tier_1_burst = 10  # Slack allows "infrequent bursts" there; a bot that opens two connections is one
        self._clock = clock
        self._buckets: dict[tuple[str, ...], _Bucket] = {}

    def wait_for_method(self, app_id: str, method: str) -> int:
        """Counts a call of the method; returns 0 if it is allowed, otherwise the seconds to wait."""
        tier = TIER.get(method)
        if tier is None:
            return 0
        allowed = PER_MINUTE[tier]
        return self._take((app_id, method), allowed / 60, max(allowed, self.tier_1_burst))

    def wait_for_channel(self, app_id: str, channel: str) -> int:
        """Counts a message in the channel; returns 0 if it is allowed, otherwise the seconds to wait."""
        return self._take((app_id, "message", channel), self.channel_rate, self.channel_burst)

    def forget(self) -> None:
        """Forgets all calls, so that every bucket is full again."""
        self._buckets.clear()

    def _take(self, key: tuple[str, ...], per_second: float, burst: float) -> int:
        if not self.enforced:
            return 0
        now = self._clock()
        bucket = self._buckets.setdefault(key, _Bucket(burst, now))
        bucket.level = min(burst, bucket.level + (now - bucket.at) * per_second)
        bucket.at = now
        if bucket.level >= 1:
            bucket.level -= 1
            return 0
        return max(1, math.ceil((1 - bucket.level) / per_second))
