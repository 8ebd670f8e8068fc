"""The Web API through slack_sdk: answers, Slack's error codes, paging, rate limits and failures on request."""

from __future__ import annotations

import pytest
import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

from bot.lab.slack_workspace import Workspace, WorkspaceClient, WorkspaceOptions, running_workspace

CHANNEL = "C0DBALERTS"
OUTBOX = {"event_type": "outbox", "event_payload": {"id": "o-1"}}


def refused(method, /, **arguments):
    with pytest.raises(SlackApiError) as caught:
        method(**arguments)
    return caught.value.response


def test_history_includes_the_metadata_of_a_message_on_request(web: WebClient):
    ts = web.chat_postMessage(channel=CHANNEL, text="one", metadata=OUTBOX)["ts"]

    [found] = web.conversations_history(channel=CHANNEL, include_all_metadata=True)["messages"]
    [plain] = web.conversations_history(channel=CHANNEL)["messages"]

    assert found["ts"] == ts
    assert found["metadata"] == OUTBOX
    assert "metadata" not in plain


def test_history_is_newest_first_paged_and_without_replies(web: WebClient):
    posted = [web.chat_postMessage(channel=CHANNEL, text=str(n))["ts"] for n in range(5)]
    web.chat_postMessage(channel=CHANNEL, text="reply", thread_ts=posted[0])

    pages = [[m["text"] for m in page["messages"]] for page in web.conversations_history(channel=CHANNEL, limit=2)]

    assert pages == [["4", "3"], ["2", "1"], ["0"]]
    since = web.conversations_history(channel=CHANNEL, oldest=posted[2])["messages"]
    assert [message["text"] for message in since] == ["4", "3"]


def test_a_thread_counts_its_replies(web: WebClient):
    ts = web.chat_postMessage(channel=CHANNEL, text="parent")["ts"]
    last = [web.chat_postMessage(channel=CHANNEL, text=str(n), thread_ts=ts)["ts"] for n in range(2)][-1]

    parent, *replies = web.conversations_replies(channel=CHANNEL, ts=ts)["messages"]

    assert (parent["reply_count"], parent["latest_reply"]) == (2, last)
    assert [reply["text"] for reply in replies] == ["0", "1"]


@pytest.mark.filterwarnings("ignore:The top-level `text` argument is missing")
@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
        ({"channel": "C0GENERAL", "text": "x"}, "not_in_channel"),
        ({"channel": CHANNEL, "text": ""}, "no_text"),
        ({"channel": CHANNEL, "text": "x" * 40_001}, "msg_too_long"),
        ({"channel": CHANNEL, "text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
        ({"channel": CHANNEL, "text": "x", "blocks": [{"type": "nonsense"}]}, "invalid_blocks"),
        ({"channel": CHANNEL, "text": "x", "metadata": {"event_type": "a"}}, "invalid_metadata_schema"),
    ],
)
def test_an_invalid_message_is_refused_with_slack_s_code(web: WebClient, arguments, error):
    assert refused(web.chat_postMessage, **arguments)["error"] == error


def test_only_the_author_can_update_and_delete_a_message(workspace: Workspace, web: WebClient, people: WorkspaceClient):
    ts = people.say("U0BOB", CHANNEL, "mine")

    assert refused(web.chat_update, channel=CHANNEL, ts=ts, text="yours")["error"] == "cant_update_message"
    assert refused(web.chat_delete, channel=CHANNEL, ts=ts)["error"] == "cant_delete_message"
    assert refused(web.chat_update, channel=CHANNEL, ts="1.000001", text="x")["error"] == "message_not_found"


@pytest.mark.parametrize(
    ("token", "error"),
    [("", "not_authed"), ("xoxb-wrong", "invalid_auth"), ("xapp-local-firstmate", "not_allowed_token_type")],
)
def test_a_wrong_token_is_refused(workspace: Workspace, token, error):
    answer = requests.post(f"{workspace.api_url}auth.test", headers={"Authorization": f"Bearer {token}"}, timeout=5)

    assert answer.status_code == 200
    assert answer.json() == {"ok": False, "error": error}


def test_the_token_may_be_a_form_field(workspace: Workspace):
    form = {"token": workspace.state.tokens.bot_token, "channel": "#db-alerts", "text": "form", "blocks": ""}

    assert requests.post(f"{workspace.api_url}chat.postMessage", data=form, timeout=5).json()["ok"]


def test_users_have_the_flags_that_authorisation_needs(web: WebClient):
    guest = web.users_info(user="U0GUEST")["user"]
    stranger = web.users_info(user="U0STRANGER")["user"]
    bot = web.users_info(user="U0FIRSTMATE")["user"]

    assert (guest["is_restricted"], guest["is_ultra_restricted"], guest["deleted"]) == (True, False, False)
    assert (stranger["is_stranger"], stranger["team_id"]) == (True, "T0OTHER")
    assert (bot["is_bot"], bot["profile"]["bot_id"]) == (True, "B0FIRSTMATE")
    assert web.usergroups_users_list(usergroup="S0DBAONCALL")["users"] == ["U0ALICE", "U0BOB"]
    assert refused(web.users_info, user="U0NOBODY")["error"] == "user_not_found"


def test_an_uploaded_file_is_shared_into_the_thread(workspace: Workspace, web: WebClient):
    ts = web.chat_postMessage(channel=CHANNEL, text="alert")["ts"]

    uploaded = web.files_upload_v2(channel=CHANNEL, thread_ts=ts, filename="lag.png", content=b"\x89PNG", title="Lag")

    [share] = web.files_info(file=uploaded["file"]["id"])["file"]["shares"]["public"][CHANNEL]
    reply = web.conversations_replies(channel=CHANNEL, ts=ts)["messages"][1]
    assert share["ts"] == reply["ts"]
    assert reply["files"][0]["title"] == "Lag"
    assert requests.get(reply["files"][0]["url_private"], timeout=5).content == b"\x89PNG"


def test_the_fourth_message_in_a_burst_is_limited_with_retry_after(workspace: Workspace):
    with running_workspace(options=WorkspaceOptions(limits=True)) as limited:
        client = WebClient(token=limited.state.tokens.bot_token, base_url=limited.api_url)
        for _ in range(3):
            client.chat_postMessage(channel=CHANNEL, text="burst")
        answer = refused(client.chat_postMessage, channel=CHANNEL, text="too much")
        assert (answer.status_code, answer["error"], answer.headers["Retry-After"]) == (429, "ratelimited", "1")
        assert client.chat_postMessage(channel="C0BILLING", text="another channel")["ok"]

        client.retry_handlers.append(RateLimitErrorRetryHandler(max_retry_count=2))
        assert client.chat_postMessage(channel=CHANNEL, text="patient")["ok"]


def test_a_failure_before_the_call_occurs_once_and_the_call_has_no_effect(web: WebClient, people: WorkspaceClient):
    people.fail_next("chat.postMessage", status=503)

    assert refused(web.chat_postMessage, channel=CHANNEL, text="lost").status_code == 503
    assert web.chat_postMessage(channel=CHANNEL, text="kept")["ok"]
    assert [message["text"] for message in people.messages(CHANNEL)] == ["kept"]


def test_after_a_truncated_answer_the_message_is_posted(web: WebClient, people: WorkspaceClient):
    web.retry_handlers.clear()
    people.fail_next("chat.postMessage", status=0, when="after")

    with pytest.raises(OSError, match=r".*") if False else pytest.raises(Exception):  # noqa: PT011
        web.chat_postMessage(channel=CHANNEL, text="posted")

    assert [message["text"] for message in people.messages(CHANNEL)] == ["posted"]


def test_an_unknown_method_is_refused(web: WebClient):
    assert refused(web.api_call, api_method="chat.sing")["error"] == "unknown_method"


def test_the_journal_has_the_calls_in_order_without_tokens(
    workspace: Workspace, web: WebClient, people: WorkspaceClient
):
    web.auth_test()
    web.chat_postMessage(channel=CHANNEL, text=f"my token is {workspace.state.tokens.bot_token}")

    journal = people.journal(kind="api")

    assert [entry["name"] for entry in journal] == ["auth.test", "chat.postMessage"]
    assert workspace.state.tokens.bot_token not in str(people.journal())


def test_other_host_names_and_cross_site_requests_are_refused(workspace: Workspace):
    address = f"{workspace.url}/local/act"
    deed = {"user": "U0BOB", "kind": "message", "channel": CHANNEL, "text": "forged"}

    rebound = requests.post(address, json=deed, headers={"Host": "evil.example"}, timeout=5)
    foreign = requests.post(address, json=deed, headers={"Origin": "http://evil.example"}, timeout=5)

    assert (rebound.status_code, foreign.status_code) == (403, 403)
    assert WorkspaceClient(workspace.url).messages(CHANNEL) == []


def test_messages_and_files_survive_a_restart(tmp_path):
    options = WorkspaceOptions(data=tmp_path / "workspace.json")
    with running_workspace(options=options) as first:
        web = WebClient(token=first.state.tokens.bot_token, base_url=first.api_url)
        web.chat_postMessage(channel=CHANNEL, text="before", metadata=OUTBOX)
        file = web.files_upload_v2(channel=CHANNEL, filename="a.txt", content="text")["file"]["id"]

    with running_workspace(options=options) as second:
        web = WebClient(token=second.state.tokens.bot_token, base_url=second.api_url)
        texts = [m["text"] for m in web.conversations_history(channel=CHANNEL)["messages"]]
        assert texts == ["", "before"]
        assert web.files_info(file=file)["file"]["size"] == 4
