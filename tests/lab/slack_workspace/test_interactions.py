"""Modals, shortcuts, ephemerals and response URLs, through slack_bolt."""

from __future__ import annotations

import pytest
from slack_bolt import App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.errors import WrongUsage
from bot.lab.slack_workspace import Workspace, WorkspaceClient
from tests.lab.slack_workspace.conftest import Connect

CHANNEL = "C0DBALERTS"
FORM = {
    "type": "modal",
    "callback_id": "edit",
    "private_metadata": "run-1",
    "title": {"type": "plain_text", "text": "Edit"},
    "submit": {"type": "plain_text", "text": "Save"},
    "blocks": [
        {
            "type": "input",
            "block_id": "workers",
            "label": {"type": "plain_text", "text": "Workers"},
            "element": {"type": "number_input", "is_decimal_allowed": False, "action_id": "value"},
        }
    ],
}


@pytest.fixture
def form(app: App, connect: Connect, people: WorkspaceClient) -> WorkspaceClient:
    """An app that opens FORM on /runbook and accepts at most 64 workers."""

    @app.command("/runbook")
    def runbook(ack, body, client):
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=FORM)

    @app.view("edit")
    def edit(ack, view, body, client):
        workers = view["state"]["values"]["workers"]["value"]["value"]
        if int(workers) > 64:
            ack(response_action="errors", errors={"workers": "At most 64."})
            return
        ack()
        text = f"{view['private_metadata']}: {workers} workers, by <@{body['user']['id']}>"
        client.chat_postMessage(channel=CHANNEL, text=text)

    connect(app)
    people.command("U0BOB", CHANNEL, "/runbook run")
    people.wait_for(lambda: people.view("U0BOB"), what="The modal")
    return people


def test_a_modal_opens_only_for_the_user_who_asked(form: WorkspaceClient):
    view = form.view("U0BOB")

    assert view is not None
    assert view["title"]["text"] == "Edit"
    assert form.view("U0CAROL") is None


def test_a_submitted_modal_delivers_its_values_and_closes(form: WorkspaceClient):
    done = form.submit("U0BOB", {"workers": {"value": "8"}})

    assert done["acked"]
    assert done["view"] is None
    form.wait_for_message(CHANNEL, lambda m: m["text"] == "run-1: 8 workers, by <@U0BOB>")


def test_errors_from_the_app_keep_the_modal_open(form: WorkspaceClient):
    done = form.submit("U0BOB", {"value": "65"})

    assert done["view"]["errors"] == {"workers": "At most 64."}


def test_a_missing_required_field_is_reported_without_the_app(form: WorkspaceClient):
    done = form.submit("U0BOB", {})

    assert (done["ok"], done["error"]) == (False, "incomplete")
    assert form.submit("U0BOB", {"value": "many"})["errors"] == {"workers": "Please enter a number."}


def test_a_user_cannot_submit_the_modal_of_another(form: WorkspaceClient):
    with pytest.raises(WrongUsage, match="Carol does not have this view open"):
        form.submit("U0CAROL", {"value": "1"}, view_id=form.view("U0BOB")["id"])  # type: ignore[index]


def test_a_trigger_opens_one_modal_before_it_expires(workspace: Workspace, web: WebClient, people: WorkspaceClient):
    used = workspace.state.triggers.new("U0BOB")
    web.views_open(trigger_id=used, view=FORM)
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        web.views_open(trigger_id=used, view=FORM)

    workspace.state.triggers.life = -1.0
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        web.views_open(trigger_id=workspace.state.triggers.new("U0BOB"), view=FORM)


def test_a_message_shortcut_delivers_the_message(app: App, connect: Connect, people: WorkspaceClient):
    @app.shortcut("triage_message")
    def triage(ack, shortcut, respond):
        ack()
        respond(f"looking at: {shortcut['message']['text']}")

    app.event("message")(lambda: None)
    connect(app)
    ts = people.say("U0ALICE", CHANNEL, "db-1 is slow")

    assert people.shortcut("U0BOB", CHANNEL, ts, "triage_message")["acked"]
    people.wait_for_ephemeral("U0BOB", lambda m: m["text"] == "looking at: db-1 is slow")


def test_a_response_url_accepts_five_replies(app: App, connect: Connect, people: WorkspaceClient):
    statuses: list[int] = []

    @app.command("/mate")
    def mate(ack, respond):
        ack()
        statuses.extend(respond(f"answer {n}").status_code for n in range(6))

    connect(app)
    people.command("U0BOB", CHANNEL, "/mate status")

    people.wait_for(lambda: len(statuses) == 6)
    assert statuses == [200] * 5 + [404]
    assert [m["text"] for m in people.ephemerals("U0BOB")] == [f"answer {n}" for n in range(5)]


def test_a_reply_to_a_click_can_replace_or_delete_the_ephemeral(
    app: App, web: WebClient, connect: Connect, people: WorkspaceClient
):
    @app.action("go")
    def go(ack, body, respond):
        ack()
        assert body["container"]["is_ephemeral"]
        respond(replace_original=True, text="gone on")

    connect(app)
    button = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}
    block = {"type": "actions", "block_id": "b", "elements": [button]}
    ts = web.chat_postEphemeral(channel=CHANNEL, user="U0BOB", text="Go?", blocks=[block])["message_ts"]

    with pytest.raises(WrongUsage, match="message_not_found"):
        people.click("U0CAROL", CHANNEL, ts, "go")
    people.click("U0BOB", CHANNEL, ts, "go")

    people.wait_for_ephemeral("U0BOB", lambda m: m["text"] == "gone on" and m["ts"] == ts)


def test_a_menu_choice_reaches_the_app(app: App, web: WebClient, connect: Connect, people: WorkspaceClient):
    @app.action("more")
    def more(ack, action, respond):
        ack()
        respond(response_type="in_channel", text=f"chose {action['selected_option']['value']}")

    connect(app)
    option = {"text": {"type": "plain_text", "text": "Silence 1 h"}, "value": "silence"}
    menu = {"type": "overflow", "action_id": "more", "options": [option]}
    ts = web.chat_postMessage(channel=CHANNEL, text="x", blocks=[{"type": "actions", "elements": [menu]}])["ts"]

    people.click("U0BOB", CHANNEL, ts, "more", "silence")

    people.wait_for_message(CHANNEL, lambda m: m["text"] == "chose silence")


def test_an_element_that_does_not_exist_cannot_be_pressed(web: WebClient, people: WorkspaceClient):
    ts = web.chat_postMessage(channel=CHANNEL, text="plain")["ts"]

    with pytest.raises(WrongUsage, match="The message has no element approve; its elements: none"):
        people.click("U0BOB", CHANNEL, ts, "approve")


def test_an_edited_message_is_delivered_as_message_changed(
    app: App, web: WebClient, people: WorkspaceClient, connect: Connect
):
    app.event("message")(lambda: None)
    app.event({"type": "message", "subtype": "message_changed"})(lambda: None)
    connect(app)
    ts = web.chat_postMessage(channel=CHANNEL, text="first")["ts"]
    web.chat_update(channel=CHANNEL, ts=ts, text="second")

    [entry] = people.wait_for(lambda: [e for e in people.journal(kind="event") if e["name"] == "message_changed"])
    event = entry["payload"]["event"]
    assert (event["message"]["text"], event["previous_message"]["text"]) == ("second", "first")
