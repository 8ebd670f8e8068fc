"""Random faults: composes faults of known truth on real servers, and judges what the bot finds, offers and changes."""
