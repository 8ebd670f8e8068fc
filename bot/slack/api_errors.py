"""What a call of Slack may end with, beside its answer."""

from __future__ import annotations

from http.client import HTTPException

from slack_sdk.errors import SlackApiError, SlackClientError

NO_ANSWER = (SlackClientError, HTTPException, OSError)
"""Slack may have done it or not. SlackApiError is a SlackClientError: catch the refusals first."""


def refusal(error: SlackApiError) -> str:
    """Slack's own word for why it refused, or `unknown`."""
    return str(error.response.get("error", "unknown")) if hasattr(error.response, "get") else "unknown"
