"""Faults of the lab: folders of data below `bot/lab/faults`, and the code that makes and mends them for real."""
