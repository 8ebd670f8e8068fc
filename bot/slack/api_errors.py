"""The errors of a call to Slack's Web API."""

from __future__ import annotations

from http.client import HTTPException

from slack_sdk.errors import SlackApiError, SlackClientError

NO_ANSWER = (SlackClientError, HTTPException, OSError)
"""Errors after which Slack may or may not have made the call. SlackApiError is a SlackClientError: catch it first."""


def refusal(error: SlackApiError) -> str:
    """Returns Slack's error code, such as `channel_not_found`, or `unknown`."""
    return str(error.response.get("error", "unknown")) if hasattr(error.response, "get") else "unknown"


def foreign_answer(error: SlackApiError) -> str:
    """Returns that something other than Slack answered, as the end of a sentence; '' if the error is Slack's own.

    Slack reports its errors with HTTP status 200, except 429 (rate limit); a proxy answers with 403, 407 or 502.
    """
    status = getattr(error.response, "status_code", 200)
    if not isinstance(status, int) or status < 400 or status == 429:
        return ""
    return (
        f"answered with HTTP status {status}, which a proxy or a firewall on the way sends. Let this host reach "
        "slack.com on port 443, or set HTTPS_PROXY."
    )
