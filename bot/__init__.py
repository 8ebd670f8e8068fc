"""Firstmate: incident triage and guarded runbook automation in Slack for MySQL, MariaDB and Vitess fleets."""
