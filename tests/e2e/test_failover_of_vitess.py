"""A failover by VTOrc on a real cluster: many alerts, one thread, and in the end it says what is left to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.config import load
from bot.engine.run import Run
from bot.lab.bot_process import running_bot
from bot.lab.fault_injection.inject import fix_fault, inject_fault
from bot.lab.fault_injection.vitess_steps import wait_until_healthy
from bot.lab.lab_state import LabState
from bot.lab.slack_workspace.client import WorkspaceClient
from bot.lab.waiting import wait_until
from bot.store import audit_log
from bot.store.open_database import open_database
from bot.store.run_store import RunStore
from bot.store.segment_queue import DirectQueue

CHANNEL, SHARD, RUNBOOK, FAULT = "C0DBALERTS", "commerce/-80", "vitess/shard", "primary_mysqld_killed"


class Seen:
    """What the bot's store has of one shard, and whether it serves; alerts of another kind are other threads."""

    def __init__(self, config: Path) -> None:
        self.database = open_database(load(config), exclusive=False)

    @property
    def runs(self) -> list[Run]:
        """The oldest first."""
        found = RunStore(self.database, DirectQueue()).runs()
        return [run for run in reversed(found) if (run.shard, run.runbook) == (SHARD, RUNBOOK)]

    @property
    def alerts(self) -> set[str]:
        with self.database.reading() as connection:
            entries = list(audit_log.entries(connection))
        return {str(json.loads(each.data)["alert"]) for each in entries if each.event == "alert.received"}


@pytest.fixture
def seen(vitess_lab: LabState, tmp_path: Path) -> Iterator[Seen]:
    """A shard whose primary has just lost its MySQL, before the eyes of a bot."""
    with running_bot(vitess_lab.config, log=tmp_path / "bot.log"):
        inject_fault(vitess_lab.folder, FAULT)
        try:
            yield Seen(vitess_lab.config)
        finally:
            fix_fault(vitess_lab.folder, FAULT)
            wait_until_healthy(vitess_lab)


@pytest.mark.vitess
def test_the_alerts_of_a_failover_are_one_thread_that_says_what_is_left(vitess_lab: LabState, seen: Seen):
    wait_until("the dead MySQL has its alert, too", lambda: "VitessMySQLDown" in seen.alerts, 60)
    wait_until("every run has ended", lambda: all(run.state.ended for run in seen.runs), 90)
    first, last = seen.runs[0], seen.runs[-1]
    assert {run.root for run in seen.runs} == {first.id}
    assert last.says.startswith("VTOrc repaired ")
    assert last.lead is not None
    assert last.lead.id == "tablet_mysql_dead"
    posted = WorkspaceClient(vitess_lab.urls.workspace).messages(CHANNEL)
    cards = [each for each in posted if each.get("thread_ts", each["ts"]) == each["ts"]]
    # Cards of other runbooks may refer to this one.
    answered = [text for text in (str(card.get("blocks")) for card in cards) if f"runbook `{RUNBOOK}`" in text]
    assert len([text for text in answered if SHARD in text]) == 1
