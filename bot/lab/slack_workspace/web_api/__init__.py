"""Slack's Web API: the endpoint, and the methods by family."""
