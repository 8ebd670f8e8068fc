"""The page in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from slack_bolt import App
from slack_sdk import WebClient

from bot.lab.slack_workspace import Workspace, WorkspaceClient
from tests.lab.slack_workspace.conftest import Connect

pytestmark = pytest.mark.browser

CHANNEL = "C0DBALERTS"


def approval(confirm: bool = False) -> list[dict[str, object]]:
    button: dict[str, object] = {
        "type": "button",
        "action_id": "approve",
        "text": {"type": "plain_text", "text": "Approve"},
        "value": "plan-1",
        "style": "primary",
    }
    if confirm:
        button["confirm"] = {
            "title": {"type": "plain_text", "text": "Run on db-1?"},
            "text": {"type": "plain_text", "text": "Starts the applier."},
            "confirm": {"type": "plain_text", "text": "Run"},
            "deny": {"type": "plain_text", "text": "Back"},
        }
    return [
        {"type": "header", "text": {"type": "plain_text", "text": "🔴 The applier stopped on db-1"}},
        {"type": "actions", "block_id": "decision", "elements": [button]},
    ]


@pytest.fixture
def page(browser: Browser, workspace: Workspace) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda problem: problems.append(str(problem)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto(f"{workspace.url}/c/{CHANNEL}")
    page.wait_for_selector("[data-live]")
    yield page
    context.close()
    assert problems == []


def test_a_card_appears_and_its_approve_button_reaches_the_app(page: Page, app: App, web: WebClient, connect: Connect):
    @app.action("approve")
    def approved(ack, body, client):
        ack()
        text = f"Approved by <@{body['user']['id']}>: {body['actions'][0]['value']}"
        client.chat_update(channel=CHANNEL, ts=body["message"]["ts"], text=text)

    connect(app)
    web.chat_postMessage(channel=CHANNEL, text="Approve?", blocks=approval(confirm=True))

    page.get_by_role("button", name="Approve").click()
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_role("button", name="Approve")).to_be_visible()
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("button", name="Run", exact=True).click()

    expect(page.get_by_role("log")).to_contain_text("Approved by @Bob: plan-1")
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)


def test_a_thread_opens_beside_the_channel_and_grows(page: Page, web: WebClient):
    ts = web.chat_postMessage(channel=CHANNEL, text="alert")["ts"]
    web.chat_postMessage(channel=CHANNEL, text="triage begins", thread_ts=ts)

    page.get_by_role("link", name="1 reply").click()
    thread = page.get_by_role("complementary", name="Thread")
    expect(thread).to_contain_text("triage begins")
    web.chat_postMessage(channel=CHANNEL, text="Approve?", blocks=approval(), thread_ts=ts)

    expect(thread.get_by_role("button", name="Approve")).to_be_visible()
    expect(thread).to_contain_text("2 replies")


def test_a_command_from_the_composer_is_answered_to_its_user_only(
    page: Page, app: App, connect: Connect, browser: Browser, workspace: Workspace
):
    app.command("/mate")(lambda ack: ack("All is quiet."))
    connect(app)

    page.get_by_role("textbox", name="Message #db-alerts").fill("/mate status")
    page.keyboard.press("Enter")

    expect(page.get_by_text("Only visible to you")).to_be_visible()
    expect(page.get_by_text("All is quiet.")).to_be_visible()
    page.get_by_label("Act as").select_option("U0CAROL")
    expect(page.get_by_label("Act as")).to_have_value("U0CAROL")
    expect(page.get_by_text("All is quiet.")).to_have_count(0)


def test_a_modal_opens_shows_errors_and_closes(page: Page, app: App, connect: Connect):
    @app.command("/runbook")
    def runbook(ack, body, client):
        ack()
        name = {"type": "plain_text_input", "action_id": "name"}
        block = {"type": "input", "block_id": "b", "label": {"type": "plain_text", "text": "Instance"}, "element": name}
        title, submit = ({"type": "plain_text", "text": text} for text in ("Run a runbook", "Run"))
        view = {"type": "modal", "callback_id": "run", "title": title, "submit": submit, "blocks": [block]}
        client.views_open(trigger_id=body["trigger_id"], view=view)

    @app.view("run")
    def run(ack, view):
        unknown = view["state"]["values"]["b"]["name"]["value"] != "db-1"
        ack(response_action="errors", errors={"b": "No such instance."}) if unknown else ack()

    connect(app)
    page.get_by_role("textbox", name="Message #db-alerts").fill("/runbook run")
    page.keyboard.press("Enter")

    modal = page.get_by_role("dialog")
    modal.get_by_role("textbox", name="Instance").fill("db-9")
    modal.get_by_role("button", name="Run").click()
    expect(modal.get_by_role("alert")).to_have_text("No such instance.")
    modal.get_by_role("textbox", name="Instance").fill("db-1")
    modal.get_by_role("button", name="Run").click()

    expect(page.get_by_role("dialog")).to_have_count(0)


def test_texts_from_outside_are_escaped_on_the_page(page: Page, web: WebClient, people: WorkspaceClient):
    evil = "<img src=x onerror=document.title='hacked'>"
    web.chat_postMessage(channel=CHANNEL, text=evil)
    web.chat_postMessage(channel=CHANNEL, text="x", attachments=[{"title": evil, "text": evil, "color": f'"/>{evil}'}])
    people.say("U0BOB", CHANNEL, evil)

    expect(page.get_by_role("log")).to_contain_text("onerror")
    assert page.locator("#messages img").count() == 0
    assert "hacked" not in page.title()


def test_the_inspector_lists_the_calls_of_the_app(page: Page, web: WebClient):
    page.get_by_role("button", name="Inspector").click()
    web.chat_postMessage(channel=CHANNEL, text="seen")

    expect(page.get_by_role("complementary", name="Inspector")).to_contain_text("chat.postMessage")
