"""Remediations of Vitess."""
