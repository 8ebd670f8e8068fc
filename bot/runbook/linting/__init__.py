"""Lints runbooks: one rule per module in `rules`, applied to a text by `lint_text` and to files by `lint_files`."""
