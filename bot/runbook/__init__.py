"""Runbooks as data: reading, matching, judging evidence and building remedies. Pure, except that `load` reads files."""
