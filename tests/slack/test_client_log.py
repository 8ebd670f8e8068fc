"""A lost connection to Slack is logged once, in a sentence with the next step, and so is its return."""

from __future__ import annotations

import logging

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from bot.slack.api_errors import foreign_answer
from bot.slack.client_log import ClientLog

FAILED = (
    "Failed to check the current session or reconnect to the server "
    "(session id: s_1, error: URLError, message: <urlopen error [Errno 111] Connection refused>)"
)


def test_a_lost_connection_is_logged_once_with_the_next_step(caplog: pytest.LogCaptureFixture):
    handler = ClientLog()
    lines = [
        (logging.ERROR, FAILED),
        (logging.ERROR, FAILED),
        (logging.INFO, "A new session has been established (s_2)"),
    ]
    with caplog.at_level(logging.INFO, "bot.slack.client_log"):
        for level, text in lines:
            handler.emit(logging.LogRecord("slack_sdk", level, "", 0, text, None, None))
    lost, back = caplog.messages
    assert lost.startswith(
        "Firstmate is not connected to Slack (<urlopen error [Errno 111] Connection refused>), so commands and buttons"
    )
    assert "HTTPS_PROXY" in lost
    assert back == "Firstmate is connected to Slack again."


@pytest.mark.parametrize(("status", "foreign"), [(200, False), (429, False), (403, True), (502, True)])
def test_an_answer_of_a_proxy_is_told_from_one_of_slack(status: int, foreign: bool):
    response = SlackResponse(
        client=None, http_verb="POST", api_url="", req_args={}, data={"ok": False}, headers={}, status_code=status
    )
    says = foreign_answer(SlackApiError("refused", response))
    assert bool(says) is foreign
    assert (f"HTTP status {status}" in says) is foreign
