"""The runbooks in force: read from folders, checked, and reloaded while the bot runs."""
