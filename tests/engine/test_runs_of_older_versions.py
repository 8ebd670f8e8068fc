"""Runs of earlier versions are read; one that cannot be read completely ends with the reason."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from bot.engine.dispatcher import Dispatcher
from bot.engine.run import PauseRequest, RunState
from bot.store.database import Database
from bot.store.run_records import RUN, read_run
from bot.store.run_store import RunStore
from bot.store.segment_queue import DirectQueue
from bot.store.tables import runs
from tests.engine.servers import Published
from tests.samples import NOW, run, waiting


def test_a_run_of_an_earlier_version_that_cannot_be_read_ends_with_the_reason(database: Database):
    store, publisher = RunStore(database, DirectQueue()), Published()
    store.open_run(waiting(), key="k", actor="firstmate")
    document = {**json.loads(RUN.dump_json(waiting())), "plan": {"statement": "START REPLICA"}}
    with database.transaction() as connection:
        connection.execute(runs.update().values(document=json.dumps(document)))
    unused: Any = None
    dispatcher = Dispatcher(store, publisher, unused, unused, unused, unused, unused, unused, unused, lambda: NOW)
    dispatcher.end_unreadable_runs()
    ended = store.run("r-1")
    assert ended is not None
    assert ended.state is RunState.FAILED
    assert ended.says.startswith(
        "An earlier version of Firstmate started this run, and this version cannot read its plan."
    )
    assert [run.state for run in publisher.runs] == [RunState.FAILED]
    with database.reading() as connection:
        assert connection.execute(sa.select(runs.c.state)).scalar() == "failed"
    assert store.older() == []


def test_the_pause_request_of_a_stored_run_is_read_and_written_under_its_stored_key():
    request = PauseRequest("pause", "U0ALICE", NOW, NOW + timedelta(hours=1))
    document = json.loads(RUN.dump_json(run(pause_request=request)))
    assert "pause_request" not in document
    assert document["hold"]["kind"] == "pause"
    assert read_run(json.dumps(document)) == (run(pause_request=request), ())
