"""The authorisation of every request: team, app, user and channel."""

from __future__ import annotations

from typing import Any

import pytest
from slack_bolt import BoltResponse
from slack_sdk import WebClient

from bot.config import Roles
from bot.lab.slack_workspace import WorkspaceClient
from bot.slack.authorize import Authorize
from bot.slack.user_directory import SlackDirectory

COMMAND = {
    "command": "/mate",
    "text": "halt now",
    "user_id": "U0BOB",
    "team_id": "T0LOCAL",
    "channel_id": "C0DBALERTS",
    "api_app_id": "A0FIRSTMATE",
}
CLICK = {
    "type": "block_actions",
    "api_app_id": "A0FIRSTMATE",
    "team": {"id": "T0LOCAL"},
    "user": {"id": "U0BOB", "team_id": "T0LOCAL"},
    "channel": {"id": "C0DBALERTS"},
    "actions": [{"action_id": "run.approve"}],
}
PASSED = BoltResponse(status=299)


@pytest.fixture
def refused() -> list[tuple[str, str, str]]:
    return []


@pytest.fixture
def authorize(web: WebClient, refused: list[tuple[str, str, str]]) -> Authorize:
    directory = SlackDirectory(web, Roles(), "T0LOCAL")
    return Authorize(directory, web, "T0LOCAL", "A0FIRSTMATE", lambda *what: refused.append(what))


@pytest.mark.parametrize("body", [COMMAND, CLICK])
def test_a_full_member_is_allowed(authorize, refused, body):
    assert authorize(body, {}, lambda: PASSED) is PASSED
    assert refused == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({**COMMAND, "user_id": "U0GUEST"}, "is a guest"),
        ({**COMMAND, "user_id": ""}, "has no user"),
        ({**COMMAND, "team_id": "T0OTHER"}, "another workspace"),
        ({**COMMAND, "api_app_id": "A0EVIL"}, "for another app"),
        ({**CLICK, "user": {"id": "U0STRANGER", "team_id": "T0OTHER"}}, "another workspace"),
        ({**CLICK, "channel": {"id": "C0DBALERTS", "is_ext_shared": True}}, "shared with other organizations"),
        ({**CLICK, "team": None}, "another workspace"),
    ],
)
def test_other_requests_are_refused_and_recorded(authorize, refused, body: dict[str, Any], reason: str):
    answer = authorize(body, {}, lambda: pytest.fail("the request went on"))
    assert answer.status == 200
    [(_, entry, said)] = refused
    assert entry in ("/mate halt now", "run.approve")
    assert reason in said


def test_only_the_refused_user_sees_the_reply(authorize, people: WorkspaceClient):
    authorize({**COMMAND, "user_id": "U0GUEST"}, {}, lambda: PASSED)
    assert "is a guest" in people.ephemerals("U0GUEST")[0]["text"]
    assert people.messages("C0DBALERTS") == []


def test_a_request_is_refused_even_if_the_reply_fails(authorize, refused, people: WorkspaceClient):
    people.fail_next("chat.postEphemeral", status=0)
    assert authorize({**COMMAND, "user_id": "U0GUEST"}, {}, lambda: PASSED).status == 200
    assert len(refused) == 1
