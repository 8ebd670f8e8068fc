"""Segments as durable workflows: the only code that knows DBOS.

The identity that launch recovery goes by is pinned: without it, a changed line in a workflow would strand every run.
`INTERPRETER` is bumped only when the order of steps changes its meaning.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSConfig

from bot.engine.ports import Steps
from bot.store.database import Database

log = logging.getLogger(__name__)

T = TypeVar("T")

INTERPRETER = "interp-3"
QUEUE = "segments"
POLL = 0.2
"""Seconds between two looks at the queue: half of it is added to each alert on average."""
WORKERS = 16
ALONE = "local"
"""The name of the one process that works on a SQLite store: its next start goes on with what it left."""
ENDED = ["SUCCESS", "ERROR", "CANCELLED"]
UNDER_WAY = ["PENDING", "ENQUEUED", "DELAYED"]

Advance = Callable[[Steps, str, str], None]


class DurableSteps:
    """Steps of the workflow that is running in this thread."""

    def step(self, name: str, do: Callable[[], T]) -> T:
        return DBOS.run_step({"name": name}, do)


class Durable:
    """The queue of segments and the threads that work it off."""

    def __init__(self, database: Database, executor: str = ALONE) -> None:
        self._database = database
        self._executor = executor
        self._advance: Advance | None = None
        config: DBOSConfig = {
            "name": "firstmate",
            "system_database_engine": database.engine,
            "application_version": INTERPRETER,
            "executor_id": executor,
            "log_level": "WARNING",
            "notification_listener_polling_interval_sec": 1.0,
            "use_listen_notify": False,
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
        self._put(connection, f"{run_id}:{segment}", run_id, segment, delay)

    def _put(self, connection: sa.Connection, name: str, run_id: str, segment: str, delay: float) -> None:
        assert self._client is not None
        options: dict[str, object] = {
            "workflow_name": "advance",
            "queue_name": QUEUE,
            "workflow_id": name,
            "app_version": INTERPRETER,
        }
        if delay > 0:
            options["delay_seconds"] = delay
        self._client.enqueue_in_transaction(connection, options, run_id, segment)  # type: ignore[arg-type]

    def recover(self, alive: Collection[str]) -> None:
        """Hands on what is in flight in the name of a process that is none of these.

        DBOS recovers other executors by a private function alone, which a test holds to what is needed of it: only
        rows of just these executors, back into their own queue.
        """
        pending = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
        dead = {str(each.executor_id) for each in pending} - set(alive)
        if dead:
            DBOS._recover_pending_workflows(sorted(dead))

    def adopt(self, alive: Collection[str] = ()) -> int:
        """Goes on with the segments that a version with another order of steps left; returns how many.

        Those of the versions that are `alive`, in other replicas during an upgrade, are left to them.

        Each begins anew under another name: its steps are not those that were recorded, and what must not happen twice
        is held by the intents.
        """
        versions = {each["version_name"] for each in DBOS.list_application_versions()} - {INTERPRETER, *alive}
        if not versions:
            return 0
        left = DBOS.list_workflows(status=UNDER_WAY, app_version=sorted(versions), name="advance", load_output=False)
        for each in left:
            assert each.input is not None
            run_id, segment = map(str, each.input["args"])
            due = (each.delay_until_epoch_ms or 0) / 1000 - time.time()
            DBOS.cancel_workflow(each.workflow_id)
            with self._database.transaction() as connection:
                self._put(connection, f"{each.workflow_id}+{INTERPRETER}", run_id, segment, max(0.0, due))
        return len(left)

    def idle(self, run_id: str, segment: str) -> bool:
        """Whether no segment that begins so is queued, delayed or in flight for a run."""
        return not DBOS.list_workflows(
            status=UNDER_WAY, workflow_id_prefix=f"{run_id}:{segment}", load_input=False, load_output=False
        )

    def forget(self, before: datetime, limit: int) -> int:
        """Deletes segments that ended before; returns how many, at most `limit`."""
        ended = DBOS.list_workflows(
            status=ENDED, completed_before=before.isoformat(), limit=limit, load_input=False, load_output=False
        )
        DBOS.delete_workflows([each.workflow_id for each in ended])
        return len(ended)

    def nudge(self, run_id: str, segment: str) -> None:
        """Enqueues a segment once more, after one of the same name ended without moving its run on."""
        with self._database.transaction() as connection:
            self._put(connection, f"{run_id}:{segment}+{time.time_ns()}", run_id, segment, 0.0)

    def stop(self, seconds: int = 5) -> None:
        """Stops taking segments and waits that long for those that run."""
        if self._client is not None:
            self._client.destroy()
        DBOS.destroy(workflow_completion_timeout_sec=seconds)

    def _run(self, run_id: str, segment: str) -> None:
        assert self._advance is not None
        self._advance(DurableSteps(), run_id, segment)
