"""The generated pages of documentation: every action, and the language of runbooks."""
