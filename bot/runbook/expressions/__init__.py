"""The expressions and templates of runbooks: their syntax, their types, and their evaluation. Pure."""
