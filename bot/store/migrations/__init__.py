"""The steps of the store's tables; see bot.store.schema_upgrade."""
