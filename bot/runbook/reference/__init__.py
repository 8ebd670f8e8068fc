"""Generates documentation pages: every action, and the language of runbooks."""
