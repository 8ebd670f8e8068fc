"""Brings a store to the tables of this version, step by step; each step is a file of migrations/versions.

Alembic keeps the step at which a store is. Stores from before it have a table `schema_version` instead, and are at the
first step.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from bot.errors import ConfigError
from bot.store.database import Database

FIRST = "0001"


def migrate(database: Database) -> tuple[str, str]:
    """Brings the store to the newest step in one transaction, and returns the steps before ('' for none) and after.

    Raises ConfigError for a store that a newer version has written.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    newest = ScriptDirectory.from_config(config).get_current_head()
    assert newest is not None
    with database.transaction() as connection:
        before = step(connection)
        if before == newest:
            return before, newest
        config.attributes["connection"] = connection
        try:
            if before == FIRST and not sa.inspect(connection).has_table("alembic_version"):
                command.stamp(config, FIRST)
            command.upgrade(config, "head")
        except CommandError as error:
            raise ConfigError(
                f"The store {database} was upgraded by a newer version of Firstmate (to step {before}). Run that "
                f"version, or restore the backup from before the upgrade ({error})."
            ) from error
    return before, newest


def step(connection: sa.Connection) -> str:
    """The step at which the store is; '' where it has no tables yet."""
    found = sa.inspect(connection)
    if found.has_table("alembic_version"):
        return str(connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() or "")
    return FIRST if found.has_table("schema_version") else ""
