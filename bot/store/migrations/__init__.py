"""The steps of the store's tables; see bot.store.migrating."""
