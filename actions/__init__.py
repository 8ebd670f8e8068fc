"""What can be done to a target: diagnostics read, remediations change. Imports the standard library and itself."""
