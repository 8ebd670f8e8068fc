"""Which database a configuration means."""

from __future__ import annotations

from bot.config import Config
from bot.store.database import Database
from bot.store.postgresql import PostgreSQLDatabase
from bot.store.sqlite import FILE, SQLiteDatabase


def open_database(config: Config, *, exclusive: bool = True) -> Database:
    """Opens PostgreSQL where the configuration names it, else the SQLite file of its folder.

    Raises Unreachable, or Busy where another process works on the file; with `exclusive=False` one only looks.
    """
    if config.postgresql is not None:
        return PostgreSQLDatabase(config.postgresql.read())
    return SQLiteDatabase(config.data, exclusive=exclusive)


def there(config: Config) -> bool:
    """Whether a bot has worked on the store already."""
    return config.postgresql is not None or (config.data / FILE).exists()
