"""The errors of a call to Slack's Web API."""

from __future__ import annotations

from http.client import HTTPException

from slack_sdk.errors import SlackApiError, SlackClientError

NO_ANSWER = (SlackClientError, HTTPException, OSError)
"""Errors after which Slack may or may not have made the call. SlackApiError is a SlackClientError: catch it first."""


def refusal(error: SlackApiError) -> str:
    """Returns Slack's error code, such as `channel_not_found`, or `unknown`."""
    return str(error.response.get("error", "unknown")) if hasattr(error.response, "get") else "unknown"
