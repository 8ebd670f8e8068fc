"""Segments as durable workflows: the only code that knows DBOS.

The identity that launch recovery goes by is pinned: without it, a changed line in a workflow would strand every run.
`INTERPRETER` is bumped only when the order of steps changes its meaning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSConfig

from bot.engine.ports import Steps
from bot.store.database import Database

T = TypeVar("T")

INTERPRETER = "interp-2"
QUEUE = "segments"
POLL = 0.05
"""Seconds between two looks at the queue: half of it is added to each alert on average."""
WORKERS = 16

Advance = Callable[[Steps, str, str], None]


class DurableSteps:
    """Steps of the workflow that is running in this thread."""

    def step(self, name: str, do: Callable[[], T]) -> T:
        return DBOS.run_step({"name": name}, do)


class Durable:
    """The queue of segments and the threads that work it off."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._advance: Advance | None = None
        config: DBOSConfig = {
            "name": "firstmate",
            "system_database_engine": database.engine,
            "application_version": INTERPRETER,
            "executor_id": "local",
            "log_level": "WARNING",
            "notification_listener_polling_interval_sec": 5.0,
        }
        DBOS(config=config)

        @DBOS.workflow(name="advance")
        def advance(run_id: str, segment: str) -> None:
            self._run(run_id, segment)

        self._client: DBOSClient | None = None

    def start(self, advance: Advance) -> None:
        """Launches the workers and recovers what was under way when the last process ended."""
        self._advance = advance
        DBOS.launch()
        DBOS.register_queue(QUEUE, worker_concurrency=WORKERS, polling_interval_sec=POLL, on_conflict="always_update")
        self._client = DBOSClient(system_database_engine=self._database.engine, application_name="firstmate")

    def put(self, connection: sa.Connection, run_id: str, segment: str, *, delay: float = 0.0) -> None:
        """Enqueues a segment in the caller's transaction; its identity is run and segment, so again is no second."""
        assert self._client is not None
        options: dict[str, object] = {
            "workflow_name": "advance",
            "queue_name": QUEUE,
            "workflow_id": f"{run_id}:{segment}",
            "app_version": INTERPRETER,
        }
        if delay > 0:
            options["delay_seconds"] = delay
        self._client.enqueue_in_transaction(connection, options, run_id, segment)  # type: ignore[arg-type]

    def stop(self, seconds: int = 5) -> None:
        """Stops taking segments and waits that long for those that run."""
        if self._client is not None:
            self._client.destroy()
        DBOS.destroy(workflow_completion_timeout_sec=seconds)

    def _run(self, run_id: str, segment: str) -> None:
        assert self._advance is not None
        self._advance(DurableSteps(), run_id, segment)
