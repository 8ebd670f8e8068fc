"""The sender: each message once, in order, within the rate limits, whatever Slack answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.engine.outbox_port import Envelope, Message, Priority
from bot.lab.slack_workspace import Workspace, WorkspaceClient
from bot.slack.blocks import header, section, table
from bot.slack.outbox_sender import Sender
from bot.slack.rate_limit import EDITS, PROGRESS_GAP, RateLimit
from bot.store.outbox_store import OutboxStore
from tests.slack.conftest import Clock

CHANNEL = "C0DBALERTS"


@pytest.fixture
def sender(web: WebClient, outbox: OutboxStore, clock: Clock) -> Sender:
    return Sender(web, outbox, rate_limit=RateLimit(clock))


def card(text: str, *, key: str = "r-1:card", root: str | None = None, blocks: list[Any] | None = None) -> Message:
    payload = {"text": text, "blocks": blocks or [header(text)]}
    return Message(key, CHANNEL, root, Priority.NEWS, payload)


def texts(people: WorkspaceClient) -> list[str]:
    return [str(message["text"]) for message in people.messages(CHANNEL)]


def test_a_message_is_posted_once_and_then_edited_in_place(sender, outbox, people):
    outbox.put(card("one"))
    assert sender.send_due() == 1
    outbox.put(card("two"))
    assert sender.send_due() == 1
    outbox.put(card("two"))
    assert sender.send_due() == 0
    assert texts(people) == ["two"]


def test_several_edits_before_a_send_become_one(sender, outbox, workspace: Workspace):
    outbox.put(card("0"))
    sender.send_due()
    for number in range(1, 6):
        outbox.put(card(str(number)))
    assert sender.send_due() == 1
    assert [e["args"]["text"] for e in workspace.state.journal.entries(0, "api") if e["name"] == "chat.update"] == ["5"]


def test_a_reply_waits_for_the_message_it_belongs_to(sender, outbox, people):
    outbox.put(card("reply", key="r-1:approval", root="r-1:card"))
    assert sender.send_due() == 0
    outbox.put(card("card"))
    sender.send_due()
    sender.send_due()
    root = people.messages(CHANNEL)[0]
    assert [m["text"] for m in people.thread(CHANNEL, root["ts"])] == ["card", "reply"]


def test_a_broadcast_reply_is_in_the_thread_and_in_the_channel(sender, outbox, workspace: Workspace, people):
    outbox.put(card("card"))
    outbox.put(card("reply", key="r-2:card", root="r-1:card"))
    loud = card("loud", key="r-3:card", root="r-1:card")
    outbox.put(replace(loud, payload={**loud.payload, "broadcast": True}))
    sender.send_due()
    sender.send_due()
    root = people.messages(CHANNEL)[0]
    seen = {m["text"]: m.get("subtype") for m in people.thread(CHANNEL, root["ts"])}
    assert seen == {"card": None, "reply": None, "loud": "thread_broadcast"}


def test_a_lost_answer_leads_to_no_duplicate(sender, outbox, people, clock):
    people.fail_next("chat.postMessage", status=0, when="after")
    outbox.put(card("one"))
    sender.send_due()
    assert texts(people) == ["one"]
    clock.now += 60
    sender.send_due()
    sender.send_due()
    assert texts(people) == ["one"]
    assert outbox.waiting() == 0


def test_a_message_that_was_not_posted_is_sent_again(sender, outbox, people, clock):
    people.fail_next("chat.postMessage", status=500)
    outbox.put(card("one"))
    sender.send_due()
    assert texts(people) == []
    clock.now += 60
    sender.send_due()
    assert texts(people) == ["one"]


def test_a_reply_whose_answer_was_lost_is_found_in_its_thread(sender, outbox, people, clock):
    outbox.put(card("card"))
    sender.send_due()
    people.fail_next("chat.postMessage", status=0, when="after")
    outbox.put(card("reply", key="r-1:approval", root="r-1:card"))
    sender.send_due()
    clock.now += 60
    sender.send_due()
    root = people.messages(CHANNEL)[0]
    assert [m["text"] for m in people.thread(CHANNEL, root["ts"])] == ["card", "reply"]


def test_a_rate_limited_channel_waits_as_long_as_slack_asks(sender, outbox, people, clock):
    people.fail_next("chat.postMessage", status=429, retry_after=30)
    outbox.put(card("one"))
    sender.send_due()
    outbox.put(card("other", key="r-2:card"))
    clock.now += 29
    assert sender.send_due() == 0
    clock.now += 2
    assert sender.send_due() == 2
    assert sorted(texts(people)) == ["one", "other"]


def test_setting_the_clock_back_delays_nothing(sender, outbox, people, clock):
    clock.now += 7200
    people.fail_next("chat.postMessage", status=500)
    outbox.put(card("one"))
    sender.send_due()
    clock.now -= 3600
    sender.send_due()
    assert texts(people) == ["one"]


def test_a_message_with_unsupported_blocks_is_sent_without_them(sender, outbox, people):
    people.fail_next("chat.postMessage", status=200, error="invalid_blocks")
    outbox.put(card("one", blocks=[header("one"), section("why"), table(["a"], [["b"]])]))
    sender.send_due()
    message = people.messages(CHANNEL)[0]
    assert [block["type"] for block in message["blocks"]] == ["header", "section"]
    assert outbox.waiting() == 0


def test_a_refused_message_is_retried_and_does_not_block_others(sender, outbox, people, clock):
    people.fail_next("chat.postMessage", status=200, error="channel_not_found")
    outbox.put(card("one"))
    outbox.put(card("other", key="r-2:card"))
    sender.send_due()
    assert texts(people) == ["other"]
    clock.now += 60
    sender.send_due()
    assert sorted(texts(people)) == ["one", "other"]


def test_a_chart_whose_answer_was_lost_is_uploaded_only_once(sender, outbox, people, clock):
    outbox.put(card("card"))
    sender.send_due()
    chart = {"title": "lag", "lines": [{"name": "orders-3", "points": [[0, 1], [60, 2]]}]}
    people.fail_next("files.completeUploadExternal", status=0, when="after")
    outbox.put(Message("r-1:chart", CHANNEL, "r-1:card", Priority.PICTURE, {"chart": chart}))
    sender.send_due()
    clock.now += 60
    sender.send_due()
    sender.send_due()
    root = people.messages(CHANNEL)[0]
    files = [file["name"] for m in people.thread(CHANNEL, root["ts"]) for file in m.get("files", [])]
    assert files == ["r-1-chart.png"]
    assert outbox.waiting() == 0


def envelope(ts: str | None = None, priority: Priority = Priority.NEWS) -> Envelope:
    return Envelope("r-1:card", CHANNEL, priority, ts, None, False, 0, False)


def test_posts_to_a_channel_are_a_burst_and_then_one_per_second(clock: Clock):
    limit = RateLimit(clock)
    count = 0
    for _ in range(10):
        while limit.allows(envelope()):
            limit.sent(envelope())
            count += 1
        clock.now += 1
    assert 10 <= count <= 13


def test_edits_of_progress_leave_room_for_results(clock: Clock):
    limit = RateLimit(clock)
    progress, news = envelope("1.0", Priority.PROGRESS), envelope("1.0")
    assert limit.allows(progress)
    limit.sent(progress)
    clock.now += PROGRESS_GAP / 2
    assert not limit.allows(progress)
    assert limit.allows(news)


def test_edits_of_one_message_are_limited(clock: Clock):
    limit = RateLimit(clock)
    for _ in range(EDITS):
        assert limit.allows(envelope("1.0"))
        limit.sent(envelope("1.0"))
    assert not limit.allows(envelope("1.0"))
