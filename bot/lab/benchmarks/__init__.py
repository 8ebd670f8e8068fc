"""Benchmarks on the lab and on simulated servers; they print figures and fail on none."""
