"""The YAML document of a runbook: how it is read, what it may say, and what is wrong with it. Pure."""
