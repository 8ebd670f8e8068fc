"""The fault bench: injects every fault, and measures what the bot finds, offers and resolves."""
