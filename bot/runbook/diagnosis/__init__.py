"""Derives causes, card fields and remediations from evidence. Pure."""
