"""Diagnostics of MySQL and MariaDB servers."""
