"""Diagnostics of ProxySQL."""
