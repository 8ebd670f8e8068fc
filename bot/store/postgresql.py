"""The store in PostgreSQL: several replicas of the bot work on it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from bot.errors import ConfigError, Unreachable
from bot.store.database import Database

WRITE_LOCK = 0x66697273746D6174
"""The advisory lock of writing transactions: "firstmat"."""
CONNECT_WITHIN = 5
"""Seconds."""
SETTINGS = {
    "application_name": "firstmate",
    # A replica that is stopped in the middle of a transaction must not hold up the others for ever.
    "idle_in_transaction_session_timeout": "10s",
    "lock_timeout": "10s",
    "statement_timeout": "60s",
    "timezone": "UTC",
}


class PostgreSQLDatabase(Database):
    """A database of PostgreSQL 13 or later that the bot's user owns, or a schema of it."""

    several = True

    def __init__(self, url: str) -> None:
        try:
            parsed = sa.make_url(url)
        except sa.exc.ArgumentError as error:
            raise ConfigError("`postgresql` is no URL; write it like postgresql://firstmate@host/firstmate.") from error
        if not parsed.drivername.startswith("postgres"):
            raise ConfigError(f"`postgresql` must be a postgresql:// URL, not {parsed.drivername}://.")
        self._shown = parsed.render_as_string(hide_password=True)
        options = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
        self.engine = sa.create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_size=20,
            max_overflow=20,
            pool_pre_ping=True,
            connect_args={"connect_timeout": CONNECT_WITHIN, "options": options},
        )
        try:
            with self.engine.connect() as connection:
                connection.execute(sa.text("SELECT 1"))
        except sa.exc.OperationalError as error:
            self.engine.dispose()
            raise Unreachable(f"The store {self} does not answer: {' '.join(str(error.orig).split())[:300]}") from error

    def __str__(self) -> str:
        return self._shown

    def _insert(self, table: sa.Table) -> Any:  # noqa: ANN401 - see the base
        return postgresql.insert(table)

    def _alone(self, connection: sa.Connection) -> None:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": WRITE_LOCK})
