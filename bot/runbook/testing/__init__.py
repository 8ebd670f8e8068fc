"""Runs the tests that a runbook carries: evidence given, cause and remedy expected; no server needed."""
