"""The state machine of runs: from an alert or a command to a verified change. Imports no vendor library."""
