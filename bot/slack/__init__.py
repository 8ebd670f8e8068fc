"""Slack: listeners, cards and the sender. No other package imports Slack's libraries."""
