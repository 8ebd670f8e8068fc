"""Runs the tests of a runbook with their evidence, without a server."""
