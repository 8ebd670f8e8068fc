"""HTTP mode: slack_bolt, served over WSGI, verifies the workspace's signatures."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from slack_bolt import App
from slack_bolt.adapter.wsgi import SlackRequestHandler
from slack_sdk import WebClient

from bot.errors import WrongUsage
from bot.lab.slack_workspace import Workspace, WorkspaceClient

CHANNEL = "C0DBALERTS"


class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Keeps the test's output clean."""


@pytest.fixture
def secret(workspace: Workspace) -> str:
    return workspace.state.tokens.signing_secret


@pytest.fixture
def address(web: WebClient, secret: str) -> Iterator[str]:
    app = App(client=web, signing_secret=secret)
    app.command("/mate")(lambda ack, command: ack(f"by HTTP: {command['text']}"))
    app.event("message")(lambda event, say: say(f"heard {event['text']}"))
    app.action("go")(lambda ack, respond: (ack(), respond("pressed")))
    with make_server("127.0.0.1", 0, SlackRequestHandler(app), handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/slack/events"
        server.shutdown()
        thread.join()


def test_commands_events_and_clicks_are_signed(address: str, web: WebClient, people: WorkspaceClient):
    people.post("/local/request-url", {"url": address})

    done = people.command("U0BOB", CHANNEL, "/mate status & more")
    assert [m["text"] for m in done["ephemerals"]] == ["by HTTP: status & more"]

    people.say("U0BOB", CHANNEL, "hello")
    people.wait_for_message(CHANNEL, lambda m: m["text"] == "heard hello")

    button = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}
    ts = web.chat_postMessage(channel=CHANNEL, text="x", blocks=[{"type": "actions", "elements": [button]}])["ts"]
    assert people.click("U0BOB", CHANNEL, ts, "go")["acked"]
    people.wait_for_ephemeral("U0BOB", lambda m: m["text"] == "pressed")


class TestWithAnotherSecret:
    @pytest.fixture
    def secret(self) -> str:
        return "another secret"

    def test_bolt_refuses_the_challenge(self, address: str, people: WorkspaceClient):
        with pytest.raises(WrongUsage, match="did not answer the challenge"):
            people.post("/local/request-url", {"url": address})


def test_events_are_retried_and_commands_lost_while_the_app_is_down(workspace: Workspace, people: WorkspaceClient):
    workspace.state.delivery.request_url = "http://127.0.0.1:1/slack/events"

    assert people.command("U0BOB", CHANNEL, "/mate status")["error"] == "dispatch_failed"
    people.say("U0BOB", CHANNEL, "hello")

    last = people.wait_for(lambda: [e for e in people.journal(kind="event") if e["attempt"] == 3])
    assert not last[0]["acked"]
