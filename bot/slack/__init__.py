"""Slack: listeners, cards and the outbox; the only code that imports Slack's libraries."""
