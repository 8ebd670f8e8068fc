"""From evidence to causes, the fields of the card and the remediation. Pure."""
