"""The command `firstmate`: one module for each command, and `main`, which turns exceptions into exit codes."""
