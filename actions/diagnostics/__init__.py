"""Diagnostics: one question per file; they only read."""
