"""Finds the runbook that matches an alert, alerts without a runbook, and runbooks that match equally well. Pure."""
