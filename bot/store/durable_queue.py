"""Runs segments as durable workflows of DBOS. No other module uses DBOS.

The application version is pinned to `INTERPRETER`. By default DBOS derives it from the source of the workflows and
recovers only workflows of the same version, so any edit would strand the runs under way. Increment `INTERPRETER` only
when a change alters the order or the meaning of recorded steps.
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
from bot.engine.segments import Kind, Segment, encode
from bot.store.database import Database

log = logging.getLogger(__name__)

T = TypeVar("T")

INTERPRETER = "interp-3"
QUEUE = "segments"
POLL = 0.2
"""Seconds between two polls of the queue; half of this is added to the latency of each alert on average."""
WORKERS = 16
ALONE = "local"
"""Executor id of the only process on a SQLite store; after a restart it recovers its own segments."""
ENDED = ["SUCCESS", "ERROR", "CANCELLED"]
UNDER_WAY = ["PENDING", "ENQUEUED", "DELAYED"]

Advance = Callable[[Steps, str, str], None]
"""Runs one segment: its steps, the id of its run, and its stored name."""


class DurableSteps:
    """Steps of the workflow that runs in this thread."""

    def step(self, name: str, do: Callable[[], T]) -> T:
        return DBOS.run_step({"name": name}, do)


class Durable:
    """The queue of segments and the threads that run them."""

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
        def advance(run_id: str, name: str) -> None:
            self._run(run_id, name)

        self._client: DBOSClient | None = None

    def start(self, advance: Advance) -> None:
        """Starts the workers and recovers the segments that were in flight when the last process ended."""
        self._advance = advance
        DBOS.launch()
        DBOS.register_queue(QUEUE, worker_concurrency=WORKERS, polling_interval_sec=POLL, on_conflict="always_update")
        self._client = DBOSClient(system_database_engine=self._database.engine, application_name="firstmate")

    def put(self, connection: sa.Connection, run_id: str, segment: Segment, *, delay: float = 0.0) -> None:
        """Enqueues a segment in the caller's transaction; a segment that the run already has is not enqueued twice."""
        name = encode(segment)
        self._put(connection, f"{run_id}:{name}", run_id, name, delay)

    def _put(self, connection: sa.Connection, workflow_id: str, run_id: str, name: str, delay: float) -> None:
        assert self._client is not None
        options: dict[str, object] = {
            "workflow_name": "advance",
            "queue_name": QUEUE,
            "workflow_id": workflow_id,
            "app_version": INTERPRETER,
        }
        if delay > 0:
            options["delay_seconds"] = delay
        self._client.enqueue_in_transaction(connection, options, run_id, name)  # type: ignore[arg-type]

    def recover(self, alive: Collection[str]) -> None:
        """Returns segments in flight to the queue, unless their process is one of `alive`.

        DBOS offers only a private function for recovering other executors. A test verifies what is needed of it: it
        touches rows of exactly these executors, and returns each to its own queue.
        """
        pending = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
        dead = {str(each.executor_id) for each in pending} - set(alive)
        if dead:
            DBOS._recover_pending_workflows(sorted(dead))

    def take_over_segments(self, alive: Collection[str] = ()) -> int:
        """Restarts the segments of other interpreter versions under this one; returns how many.

        Versions in `alive` still run in other replicas during an upgrade, and keep their segments.

        Each segment restarts from its first step under a new workflow id, because its recorded steps do not match. The
        intents prevent a change from being made twice.
        """
        versions = {each["version_name"] for each in DBOS.list_application_versions()} - {INTERPRETER, *alive}
        if not versions:
            return 0
        left = DBOS.list_workflows(status=UNDER_WAY, app_version=sorted(versions), name="advance", load_output=False)
        for each in left:
            assert each.input is not None
            run_id, name = map(str, each.input["args"])
            due = (each.delay_until_epoch_ms or 0) / 1000 - time.time()
            DBOS.cancel_workflow(each.workflow_id)
            with self._database.transaction() as connection:
                self._put(connection, f"{each.workflow_id}+{INTERPRETER}", run_id, name, max(0.0, due))
        return len(left)

    def idle(self, run_id: str, kind: Kind) -> bool:
        """Returns whether the run has no segment of this kind queued, delayed or in flight."""
        return not DBOS.list_workflows(
            status=UNDER_WAY, workflow_id_prefix=f"{run_id}:{kind}", load_input=False, load_output=False
        )

    def forget(self, before: datetime, limit: int) -> int:
        """Deletes segments that ended before this time; returns how many, at most `limit`."""
        ended = DBOS.list_workflows(
            status=ENDED, completed_before=before.isoformat(), limit=limit, load_input=False, load_output=False
        )
        DBOS.delete_workflows([each.workflow_id for each in ended])
        return len(ended)

    def enqueue_again(self, run_id: str, segment: Segment) -> None:
        """Enqueues a segment although one of the same name has ended."""
        name = encode(segment)
        with self._database.transaction() as connection:
            self._put(connection, f"{run_id}:{name}+{time.time_ns()}", run_id, name, 0.0)

    def stop(self, seconds: int = 5) -> None:
        """Stops taking segments, and waits at most this long for those that run."""
        if self._client is not None:
            self._client.destroy()
        DBOS.destroy(workflow_completion_timeout_sec=seconds)

    def _run(self, run_id: str, name: str) -> None:
        assert self._advance is not None
        self._advance(DurableSteps(), run_id, name)
