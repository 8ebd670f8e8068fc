"""Remediations: one change per file, with its precondition, verification and undo."""
