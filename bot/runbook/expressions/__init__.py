"""Expressions and templates of runbooks: syntax, types and evaluation. Pure."""
