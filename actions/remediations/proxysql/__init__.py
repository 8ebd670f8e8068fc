"""Remediations of ProxySQL."""
