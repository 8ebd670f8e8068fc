"""What is remembered: alerts, runs, decisions, intents, leases, the halt switch, messages and the audit log."""
