"""What the store asks of a database, whichever it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from bot.errors import StoreDown
from bot.store import tables


class Database(ABC):
    """A database with one writing transaction at a time, on all processes: the audit log is one chain."""

    engine: sa.Engine
    several: bool
    """Whether several bots may work on it at once."""

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """One transaction that waits for every other writing one first, so what it reads still holds at its end.

        Raises StoreDown where the database does not take it; then nothing of it is stored.
        """
        with self._telling("does not take it"), self.engine.connect() as connection:
            self._alone(connection)
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    @contextmanager
    def briefly(self) -> Iterator[sa.Connection]:
        """A transaction of a few statements that neither audits nor waits for those that do; raises StoreDown."""
        with self._telling("does not take it"), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection for reading; it waits for nobody."""
        with self._telling("does not answer"), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        """Turns what the database says into StoreDown."""
        try:
            yield
        except sa.exc.OperationalError as error:
            raise StoreDown(f"The store {self} {what}: {_short(error)}") from error

    def upsert(
        self,
        connection: sa.Connection,
        table: sa.Table,
        values: Mapping[str, object],
        *,
        keys: Sequence[str],
        update: Mapping[str, object] | None = None,
        where: sa.ColumnElement[bool] | None = None,
    ) -> bool:
        """Inserts a row; one with the same keys is updated where `where` holds, or left as it is without `update`.

        Returns whether anything was written.
        """
        insert = self._insert(table).values(**values)
        if update is None:
            statement = insert.on_conflict_do_nothing(index_elements=keys)
        else:
            statement = insert.on_conflict_do_update(index_elements=keys, set_=dict(update), where=where)
        return connection.execute(statement.returning(table.c[keys[0]])).first() is not None

    @abstractmethod
    def _insert(self, table: sa.Table) -> Any:  # noqa: ANN401 - the two dialects share these methods and no type
        """An insert in the database's own dialect."""

    @abstractmethod
    def _alone(self, connection: sa.Connection) -> None:
        """Begins a transaction beside which no other one writes."""

    def create(self) -> None:
        """Makes all tables as they are now; a store that lives on is migrated instead (bot.store.schema_upgrade)."""
        with self.transaction() as connection:
            tables.metadata.create_all(connection)

    def close(self) -> None:
        self.engine.dispose()


def _short(error: sa.exc.DBAPIError) -> str:
    """What the database said, without the statement: its values are nobody's business in a log."""
    said: Any = error.orig
    return " ".join(str(said).split())[:300]
