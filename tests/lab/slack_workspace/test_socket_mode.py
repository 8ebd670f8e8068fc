"""Unmodified slack_bolt connects to the workspace over Socket Mode."""

from __future__ import annotations

import threading
from typing import Any

from slack_bolt import App
from slack_sdk import WebClient

from bot.lab.slack_workspace import Workspace, WorkspaceClient
from tests.lab.slack_workspace.conftest import Connect

APPROVE = {
    "type": "actions",
    "block_id": "decision",
    "elements": [
        {
            "type": "button",
            "action_id": "approve",
            "text": {"type": "plain_text", "text": "Approve"},
            "value": "plan-1",
            "style": "primary",
        }
    ],
}


def connections(people: WorkspaceClient) -> int:
    return sum(entry["name"] == "connected" for entry in people.journal(kind="socket"))


def test_a_command_is_acked_and_answered_to_its_user_only(app: App, connect: Connect, people: WorkspaceClient):
    app.command("/mate")(lambda ack, command: ack(f"on watch: {command['text']}"))
    connect(app)

    done = people.command("U0BOB", "C0DBALERTS", "/mate status now")

    assert done["acked"]
    assert [message["text"] for message in done["ephemerals"]] == ["on watch: status now"]
    assert people.ephemerals("U0CAROL") == []


def test_a_command_without_an_ack_times_out(app: App, connect: Connect, people: WorkspaceClient):
    connect(app)  # bolt does not ack what it has no listener for

    done = people.command("U0BOB", "C0DBALERTS", "/mate status")

    assert done["error"] == "operation_timeout"
    assert people.ephemerals("U0BOB")[0]["text"] == '/mate failed with the error "operation_timeout"'


def test_a_command_fails_for_the_user_when_the_app_is_not_connected(people: WorkspaceClient):
    assert people.command("U0BOB", "C0DBALERTS", "/mate status")["error"] == "dispatch_failed"


def test_a_click_reaches_the_app_and_its_update_appears_in_the_channel(
    app: App, web: WebClient, connect: Connect, people: WorkspaceClient
):
    @app.action("approve")
    def approved(ack, body, client):
        ack()
        client.chat_update(
            channel=body["channel"]["id"],
            ts=body["message"]["ts"],
            text=f"approved by <@{body['user']['id']}>: {body['actions'][0]['value']}",
        )

    connect(app)
    ts = web.chat_postMessage(channel="C0DBALERTS", text="Approve?", blocks=[APPROVE])["ts"]

    assert people.click("U0BOB", "C0DBALERTS", ts, "approve")["acked"]

    changed = people.wait_for_message("C0DBALERTS", lambda m: m["text"] == "approved by <@U0BOB>: plan-1")
    assert changed["ts"] == ts
    assert "blocks" not in changed  # text without blocks takes them away


def test_a_mention_is_delivered_as_app_mention_and_answered_in_the_thread(
    app: App, connect: Connect, people: WorkspaceClient
):
    @app.event("app_mention")
    def mentioned(event, say):
        say(text=f"aye, <@{event['user']}>", thread_ts=event["ts"])

    app.event("message")(lambda: None)
    connect(app)

    ts = people.say("U0ALICE", "C0DBALERTS", "@Firstmate are you there?")

    reply = people.wait_for(lambda: people.thread("C0DBALERTS", ts)[1:], what="The answer")[0]
    assert reply["text"] == "aye, <@U0ALICE>"
    assert people.thread("C0DBALERTS", ts)[0]["reply_count"] == 1


def test_an_event_without_an_ack_is_retried_and_marked_as_a_retry(app: App, connect: Connect, people: WorkspaceClient):
    connect(app)  # no listener: bolt answers nothing

    people.say("U0ALICE", "C0DBALERTS", "anybody?")

    attempts = people.wait_for(lambda: [e for e in people.journal(kind="event") if e["attempt"] == 1])
    assert attempts[0]["payload"]["event"]["text"] == "anybody?"
    assert not attempts[0]["acked"]


def test_each_payload_goes_to_one_of_two_connections(
    workspace: Workspace, web: WebClient, connect: Connect, people: WorkspaceClient
):
    heard: list[str] = []

    def app_that_answers_as(name: str) -> App:
        app = App(client=web, signing_secret="unused")

        @app.command("/mate")
        def mate(ack):
            heard.append(name)
            ack()

        return app

    connect(app_that_answers_as("first"))
    connect(app_that_answers_as("second"))

    for _ in range(6):
        people.command("U0BOB", "C0DBALERTS", "/mate status")

    assert len(heard) == 6
    assert set(heard) == {"first", "second"}


def test_the_client_reconnects_after_a_refresh_and_receives_commands(
    app: App, connect: Connect, people: WorkspaceClient
):
    app.command("/mate")(lambda ack: ack("here"))
    client = connect(app)
    first = client.session_id()

    people.sockets("refresh")
    people.wait_for(lambda: connections(people) >= 2 and client.session_id() != first, 30)

    assert people.command("U0BOB", "C0DBALERTS", "/mate status")["acked"]


def test_the_client_reconnects_after_an_abrupt_close(app: App, connect: Connect, people: WorkspaceClient):
    app.command("/mate")(lambda ack: ack("here"))
    connect(app)

    people.sockets("drop")
    people.wait_for(lambda: connections(people) >= 2, 30)

    assert people.command("U0BOB", "C0DBALERTS", "/mate status")["acked"]


def test_an_alert_of_the_second_bot_is_delivered_as_bot_message(
    workspace: Workspace, app: App, connect: Connect, people: WorkspaceClient
):
    heard: list[dict[str, Any]] = []
    came = threading.Event()

    @app.event("message")
    def message(event):
        heard.append(event)
        came.set()

    connect(app)
    people.post(
        "/local/hooks/alerts",
        {
            "channel": "#db-alerts",
            "username": "Alertmanager",
            "attachments": [{"title": "[FIRING:1] X", "color": "danger"}],
        },
    )

    assert came.wait(60)
    assert heard[0]["subtype"] == "bot_message"
    assert heard[0]["bot_id"] == "B0ALERTS"
    assert heard[0]["text"] == ""
    assert heard[0]["attachments"] == [{"id": 1, "title": "[FIRING:1] X", "color": "a30200"}]
