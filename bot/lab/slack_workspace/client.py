"""A client of the workspace's local API, for tests and the demo: sees and does what a person can."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

from bot.errors import Unreachable, WrongUsage
from bot.lab.slack_workspace.model import Json, JsonValue

Found = TypeVar("Found")
WAIT_SECONDS = 30.0
"""Seconds to wait by default; long enough for a busy machine."""
POLL = 0.05  # seconds


class WorkspaceClient:
    """Client of one workspace; every method opens a connection of its own, so threads may share the client."""

    def __init__(self, url: str, timeout: float = 10.0) -> None:
        self.url = url.rstrip("/")
        self._address = urlsplit(self.url).netloc
        self._timeout = timeout

    def get(self, path: str, **query: str | None) -> JsonValue:
        """Returns the JSON answer of a GET under /local/."""
        asked = urlencode({name: value for name, value in query.items() if value is not None})
        return self._ask("GET", f"{path}?{asked}" if asked else path, None)

    def post(self, path: str, body: Json) -> JsonValue:
        """Posts JSON to a path under /local/ and returns the answer; raises WrongUsage with the workspace's error."""
        return self._ask("POST", path, json.dumps(body))

    def _ask(self, method: str, path: str, body: str | None) -> JsonValue:
        connection = http.client.HTTPConnection(self._address, timeout=self._timeout)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            text = answer.read()
        except OSError as problem:
            raise Unreachable(f"The local workspace at {self.url} does not answer: {problem}.") from problem
        finally:
            connection.close()
        if answer.status == 400:
            raise WrongUsage(str(json.loads(text)["error"]))
        if answer.status != 200:
            raise Unreachable(f"The local workspace answered {answer.status} to {method} {path}.")
        return json.loads(text) if "json" in answer.headers.get("content-type", "") else text.decode()

    # What a person sees

    def messages(self, channel: str) -> list[Json]:
        """Returns the messages of a channel with their replies, oldest first."""
        found: list[Json] = self.get(f"/local/channels/{channel}/messages")["messages"]
        return found

    def thread(self, channel: str, ts: str) -> list[Json]:
        """Returns a thread: its first message, then the replies."""
        found: list[Json] = self.get(f"/local/channels/{channel}/messages", thread_ts=ts)["messages"]
        return found

    def ephemerals(self, user: str, channel: str | None = None) -> list[Json]:
        """Returns the ephemeral messages of a user, oldest first."""
        found: list[Json] = self.get("/local/ephemerals", user=user, channel=channel)["messages"]
        return found

    def view(self, user: str) -> Json | None:
        """Returns the modal that a user has open, or None."""
        found: Json | None = self.get("/local/view", user=user)["view"]
        return found

    def journal(self, after: int = 0, kind: str | None = None) -> list[Json]:
        """Returns the journal of requests between the workspace and its apps, oldest first."""
        found: list[Json] = self.get("/local/journal", after=str(after), kind=kind)["entries"]
        return found

    # What a person does

    def act(self, user: str, kind: str, **details: JsonValue) -> Json:
        """Performs an action as a user; bot.lab.slack_workspace.local_api lists the kinds."""
        done: Json = self.post("/local/act", {"user": user, "kind": kind, **details})
        return done

    def say(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> str:
        """Posts a message and returns its `ts`."""
        return str(self.act(user, "message", channel=channel, text=text, thread_ts=thread_ts)["ts"])

    def command(self, user: str, channel: str, text: str) -> Json:
        """Sends a slash command, for example `/mate status`."""
        return self.act(user, "command", channel=channel, text=text)

    def click(
        self, user: str, channel: str, ts: str, action_id: str, value: JsonValue = None, **details: JsonValue
    ) -> Json:
        """Presses a button or chooses an option in a message."""
        return self.act(user, "click", channel=channel, ts=ts, action_id=action_id, value=value, **details)

    def shortcut(self, user: str, channel: str, ts: str, callback_id: str) -> Json:
        """Uses a message shortcut."""
        return self.act(user, "shortcut", channel=channel, ts=ts, callback_id=callback_id)

    def submit(self, user: str, values: Json, view_id: str | None = None) -> Json:
        """Submits the modal that a user has open."""
        return self.act(user, "submit_view", values=values, view_id=view_id)

    # Waiting

    def wait_for(self, probe: Callable[[], Found | None], timeout: float = WAIT_SECONDS, what: str = "") -> Found:
        """Calls `probe` until it returns a true value, and returns that; raises Unreachable after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            found = probe()
            if found:
                return found
            if time.monotonic() > deadline:
                raise Unreachable(f"{what or 'The expected state'} did not occur within {timeout:g} s at {self.url}.")
            time.sleep(POLL)

    def wait_for_message(
        self, channel: str, fits: Callable[[Json], bool], timeout: float = WAIT_SECONDS, what: str = "A message"
    ) -> Json:
        """Waits for a message or reply in a channel that fits, and returns the newest one."""
        return self.wait_for(lambda: next(filter(fits, reversed(self.messages(channel))), None), timeout, what)

    def wait_for_ephemeral(
        self, user: str, fits: Callable[[Json], bool], timeout: float = WAIT_SECONDS, what: str = "An ephemeral"
    ) -> Json:
        """Waits for an ephemeral message of a user that fits, and returns the newest one."""
        return self.wait_for(lambda: next(filter(fits, reversed(self.ephemerals(user))), None), timeout, what)

    # Failures

    def fail_next(self, method: str, **how: JsonValue) -> None:
        """Makes the next calls of a Web API method fail; options: status, times, retry_after, error, when."""
        self.post("/local/faults", {"method": method, **how})

    def answering(self, answering: bool) -> None:
        """Makes the Web API hang, or answer again."""
        self.post("/local/faults", {"answering": answering})

    def sockets(self, do: str) -> None:
        """Acts on the Socket Mode connections: warning, refresh, drop, freeze or thaw."""
        self.post("/local/sockets", {"do": do})

    def forget_limits(self) -> None:
        """Resets every rate limit, so that a test does not wait because of an earlier one."""
        self.post("/local/limits", {"forget": True})
