"""Sweeps: one diagnostic on many instances, and the comparison of their answers."""
