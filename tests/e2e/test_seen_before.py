"""The same lock twice on real servers: the second diagnosis says what was done about the first, and who sent it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pymysql
import pytest

from bot.lab.connections import administrator, ask, session
from bot.lab.lab_state import LabInstance, LabState
from bot.lab.replication import TABLE
from bot.lab.waiting import wait_until
from tests.e2e.lab_bot import variant
from tests.e2e.test_helped import background, waiting
from tests.shell import firstmate

pytestmark = pytest.mark.lab

PURGE = "UPDATE {} SET status = 'held' WHERE id = 1 /*application='shop',job='purge'*/"


def idle_for(instance: LabInstance, session_id: int) -> int:
    """Seconds; a holder counts as idle only after some."""
    with administrator(instance) as admin:
        [row] = ask(admin, "SELECT TIME AS idle FROM information_schema.PROCESSLIST WHERE ID = %s", (session_id,))
        return int(row["idle"])


@contextmanager
def a_lock_of_the_purge(lab: LabState, instance: LabInstance) -> Iterator[None]:
    """A job has changed a row and idles in its transaction, and a writer waits for the row."""
    holder, waiter = (session(lab, instance, "app") for _ in range(2))
    held, threads = PURGE.format(TABLE[instance.shard]), []
    try:
        ask(holder, "BEGIN")
        ask(holder, held)
        threads.append(background(waiter, held))
        wait_until("the writer waits", lambda: waiting(instance) > 0, 10)
        wait_until("the job is idle", lambda: idle_for(instance, holder.thread_id()) > 6, 20)
        yield
    finally:
        with administrator(instance) as admin:
            for each in (waiter, holder):
                with suppress(pymysql.Error):
                    ask(admin, f"KILL {each.thread_id()}")
        for thread in threads:
            thread.join(10)


@pytest.mark.parametrize("name", ["orders-1", "billing-1"], ids=["mysql", "mariadb"])
def test_the_second_time_the_first_one_is_known(sound_lab: LabState, tmp_path: Path, name: str):
    instance = sound_lab.instance(name)
    config = variant(sound_lab, f"seen-{name}")
    alert = tmp_path / "alert.json"
    labels = {"alertname": "MySQLRowLockWaits", "instance": instance.address}
    alert.write_text(json.dumps({"labels": labels}), encoding="utf-8")

    def run(*more: Any) -> dict[str, Any]:
        said = firstmate("run", "--alert", alert, "--config", config, "--json", *more)
        found: dict[str, Any] = said.json
        return found

    with a_lock_of_the_purge(sound_lab, instance):
        first = run("--remedy", "end_idle_holder")
    assert first["seen_before"] is None
    assert first["state"] == "mended"
    # MariaDB keeps the statements of idle sessions only where its consumers were switched on.
    named = name == "orders-1"
    assert ("(shop/job:purge) blocks 1 session" in first["causes"][0]["says"]) is named
    with a_lock_of_the_purge(sound_lab, instance):
        second = run()
    assert (second["seen_before"]["times"], second["seen_before"]["more"]) == (2, False)
    assert re.fullmatch(
        rf"Second time in \d+ s on {name}\. The session was killed once, which helped; it came back after \d+ s\."
        + (r" It came from shop/job:purge each time\." if named else ""),
        second["seen_before"]["says"],
    )
