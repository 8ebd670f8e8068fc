"""Real servers for a laptop, the local workspace, faults, the demo."""
