"""The runbooks in force: loaded from folders, linted, and reloaded while the bot runs."""
