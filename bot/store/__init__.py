"""The store: alerts, runs, decisions, intents, leases, halts, messages and the audit log."""
