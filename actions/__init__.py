"""Actions on a target: diagnostics read, remediations change. Imports the standard library and itself only."""
