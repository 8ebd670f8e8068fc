"""Which alerts are one trouble: the key of an incident, and how an alert joins one. Pure."""
