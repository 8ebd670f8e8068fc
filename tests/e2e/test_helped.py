"""A change that is verified but helps nobody is not mended, on real servers: KILL QUERY inside a transaction."""

from __future__ import annotations

import json
import threading
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
from tests.shell import firstmate

pytestmark = pytest.mark.lab

RUNBOOK = """\
runbook: ours/held
title: A transaction holds a row
owner: us
match: ['alertname = "Held"']
gather:
  locks: mysql.wait_graph
  sessions: mysql.processlist_summary
causes:
  - id: held
    when: locks.waiting > 0 and locks.holders
    says: Session {{ locks.holders[0].thread_id }} holds a row.
    remedy: [statement, connection]
    helped: {when: sessions.waiting_for_row_lock == 0, within: 4s, holds_for: 1s}
"""
WITH = """
      thread_id: "{{ locks.holders[0].thread_id }}"
      user: "{{ locks.holders[0].user }}"
"""
REMEDIES = f"""\
remedies:
  statement:
    use: mysql.kill_query
    with:{WITH}
      statement: "{{{{ locks.holders[0].statement }}}}"
      command_since: "{{{{ locks.holders[0].command_since }}}}"
  connection:
    use: mysql.kill_connection
    with:{WITH}
      transaction_started: "{{{{ locks.holders[0].started }}}}"
      even_if_busy: true
"""
HELD = "UPDATE {} SET status = 'held' WHERE id = 1"


def background(connection: Any, sql: str) -> threading.Thread:
    """Runs a statement that may be killed, in a thread."""

    def run() -> None:
        with suppress(pymysql.Error):
            ask(connection, sql)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


@contextmanager
def a_held_row(lab: LabState, instance: LabInstance) -> Iterator[None]:
    """A transaction changes a row and then runs a long statement, and a writer waits for the row."""
    holder, waiter = (session(lab, instance, "app") for _ in range(2))
    threads, held = [], HELD.format(TABLE[instance.shard])
    try:
        ask(holder, "BEGIN")
        ask(holder, held)
        threads = [background(holder, "SELECT SLEEP(60)"), background(waiter, held)]
        yield
    finally:
        with administrator(instance) as admin:
            for each in (waiter, holder):
                with suppress(pymysql.Error):
                    ask(admin, f"KILL {each.thread_id()}")
        for thread in threads:
            thread.join(10)


@pytest.mark.parametrize("name", ["orders-1", "billing-1"])
@pytest.mark.parametrize(("remedy", "state"), [("statement", "not_helped"), ("connection", "mended")])
def test_a_killed_statement_whose_transaction_keeps_the_lock_did_not_help(
    sound_lab: LabState, tmp_path: Path, name: str, remedy: str, state: str
):
    instance = sound_lab.instance(name)
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "held.yml").write_text(RUNBOOK + REMEDIES, encoding="utf-8")
    config = variant(sound_lab, f"helped-{name}-{remedy}", runbooks=[str(tmp_path)])
    alert = tmp_path / "alert.json"
    alert.write_text(json.dumps({"labels": {"alertname": "Held", "instance": instance.address}}), encoding="utf-8")
    with a_held_row(sound_lab, instance):
        wait_until("the writer waits", lambda: waiting(instance) > 0, 10)
        said = firstmate("run", "--alert", alert, "--config", config, "--json", "--remedy", remedy)
        assert said.json["state"] == state, said.out
        assert (waiting(instance) > 0) is (state == "not_helped")
    assert said.json["effect"]["helped"] == {"not_helped": "no", "mended": "yes"}[state]
    assert said.code == (0 if state == "mended" else 1)


def waiting(instance: LabInstance) -> int:
    with administrator(instance) as admin:
        [row] = ask(admin, "SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'")
        return int(row["Value"])
