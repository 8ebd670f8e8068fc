"""Tests of the random faults."""
