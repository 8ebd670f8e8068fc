"""Remediations of MySQL and MariaDB servers."""
