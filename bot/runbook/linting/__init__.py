"""Finds the errors and the doubtful places of runbooks before anybody needs them."""
