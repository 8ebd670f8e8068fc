"""The HTTP side: one file per source of alerts, health, metrics, and Slack's requests in HTTP mode."""
