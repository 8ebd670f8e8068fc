"""Faults of the lab: what is broken as folders of data, for each kind of lab, and the code that breaks and mends it."""
