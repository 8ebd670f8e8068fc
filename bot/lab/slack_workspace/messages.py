"""The messages of all channels with their threads, and the ephemeral messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bot.lab.slack_workspace.model import Json, JsonValue, SlackError

Listener = Callable[[str, str, Json, Json | None], None]
"""Called with (what, channel, message, previous); `what` is posted, changed, deleted or ephemeral."""


class Messages:
    """Messages by channel and `ts`; the listener is called for every change."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = 0
        self.by_channel: dict[str, dict[str, Json]] = {}
        self.ephemeral: list[Json] = []
        self.listener: Listener | None = None

    def new_ts(self) -> str:
        """Returns a new `ts`, greater than all earlier ones."""
        self._last = max(self._last + 1, int(self._clock() * 1_000_000))
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    def seen(self, ts: str) -> None:
        """Ensures that new messages get a greater `ts` than this one, which was loaded."""
        seconds, _, micros = ts.partition(".")
        self._last = max(self._last, int(seconds) * 1_000_000 + int(micros or 0))

    def get(self, channel: str, ts: str) -> Json:
        """Returns a message; raises message_not_found."""
        message = self.by_channel.get(channel, {}).get(ts)
        if message is None:
            raise SlackError("message_not_found")
        return message

    def find(self, channel: str, ts: str) -> Json | None:
        """Returns a message, or None."""
        return self.by_channel.get(channel, {}).get(ts)

    def all(self, channel: str) -> Iterator[Json]:
        """Yields the messages of a channel including replies, oldest first."""
        yield from list(self.by_channel.get(channel, {}).values())

    def post(self, channel: str, message: Json) -> Json:
        """Stores a new message with a new `ts`, and updates the reply count of its thread."""
        kept = {"type": "message", **message, "ts": self.new_ts()}
        thread = kept.get("thread_ts")
        self.by_channel.setdefault(channel, {})[kept["ts"]] = kept
        if thread:
            self._count(channel, thread)
        self._tell("posted", channel, kept, None)
        return kept

    def update(self, channel: str, ts: str, change: dict[str, JsonValue]) -> Json:
        """Changes fields of a message; a value of None removes the field."""
        message = self.get(channel, ts)
        previous = dict(message)
        for name, value in change.items():
            if value is None:
                message.pop(name, None)
            else:
                message[name] = value
        self._tell("changed", channel, message, previous)
        return message

    def delete(self, channel: str, ts: str) -> None:
        """Deletes a message."""
        message = self.get(channel, ts)
        del self.by_channel[channel][ts]
        if message.get("thread_ts", ts) != ts:
            self._count(channel, message["thread_ts"])
        self._tell("deleted", channel, message, message)

    def replies(self, channel: str, thread_ts: str) -> list[Json]:
        """Returns the replies of a thread without its first message, oldest first."""
        return [m for m in self.all(channel) if m.get("thread_ts") == thread_ts and m["ts"] != thread_ts]

    def _count(self, channel: str, thread: str) -> None:
        parent = self.find(channel, thread)
        if parent is None:
            return
        replies = self.replies(channel, thread)
        if not replies:
            for name in ("reply_count", "reply_users_count", "latest_reply", "reply_users", "subscribed", "is_locked"):
                parent.pop(name, None)
            return
        users = list(dict.fromkeys(str(reply.get("user") or reply.get("bot_id", "")) for reply in replies))
        parent |= {
            "thread_ts": thread,
            "reply_count": len(replies),
            "reply_users_count": len(users),
            "latest_reply": replies[-1]["ts"],
            "reply_users": users,
            "is_locked": False,
            "subscribed": True,
        }

    def show_to(self, user: str, channel: str, message: Json) -> Json:
        """Stores an ephemeral message of a user."""
        kept = {
            "type": "message",
            "is_ephemeral": True,
            **message,
            "channel": channel,
            "viewer": user,
            "ts": self.new_ts(),
        }
        self.ephemeral.append(kept)
        self._tell("ephemeral", channel, kept, None)
        return kept

    def seen_by(self, user: str, channel: str | None = None) -> list[Json]:
        """Returns the ephemeral messages of a user, oldest first."""
        return [m for m in list(self.ephemeral) if m["viewer"] == user and channel in (None, m["channel"])]

    def ephemeral_at(self, user: str, channel: str, ts: str) -> Json | None:
        """Returns an ephemeral message of a user, or None."""
        return next((m for m in self.seen_by(user, channel) if m["ts"] == ts), None)

    def replace_ephemeral(self, message: Json, change: Json | None) -> None:
        """Changes an ephemeral message, or removes it when the change is None."""
        if change is None:
            self.ephemeral.remove(message)
        else:
            message.update(change)
        self._tell("ephemeral", message["channel"], message, message)

    def _tell(self, what: str, channel: str, message: Json, previous: Json | None) -> None:
        if self.listener is not None:
            self.listener(what, channel, message, previous)
