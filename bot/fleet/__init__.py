"""The inventory and the readers of the fleet; the only code that opens connections to it."""
