"""Diagnostics that query Prometheus."""
