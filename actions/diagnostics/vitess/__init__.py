"""Diagnostics of Vitess."""
