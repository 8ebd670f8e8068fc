"""Sessions of real servers are named by the comments of their statements, or by the program of their client."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pymysql
import pytest

from actions.diagnostics.mysql.connection_use import connection_use
from actions.diagnostics.mysql.long_transactions import long_transactions
from actions.diagnostics.mysql.running_statements import running_statements
from actions.diagnostics.mysql.wait_graph import wait_graph
from actions.session_workloads import named_session, workloads_of_sessions
from bot.lab.lab_state import LabInstance, LabState
from bot.lab.waiting import wait_until
from tests.actions.hands import Client, administer, reader

Open = Callable[..., Client]


def test_a_session_is_named_with_its_workload_if_that_is_known():
    assert named_session("app", "db1", "") == "app@db1"
    assert named_session("app", "db1", "job:purge") == "app@db1 (job:purge)"


@pytest.fixture
def remembering(primary: LabInstance) -> Iterator[LabInstance]:
    """A server whose performance_schema keeps statements; MariaDB's does not by default."""
    switch = "UPDATE performance_schema.setup_consumers SET ENABLED = '{}' WHERE NAME LIKE 'events\\_statements\\_%'"
    if primary.flavour == "mariadb":
        administer(primary, switch.format("YES"))
    yield primary
    if primary.flavour == "mariadb":
        administer(primary, switch.format("NO"))


@pytest.mark.lab
def test_mariadb_does_not_say_by_default_what_an_idle_session_ran(notes: LabState, client: Open):
    mariadb = notes.instance("billing-1")
    session = client(mariadb)
    session.begin()
    session.ask("UPDATE notes SET note = 'held' WHERE id = 3 /*job='purge'*/")
    with reader(notes, mariadb) as db:
        assert workloads_of_sessions(db, [session.id]) == {}


@pytest.mark.lab
def test_an_idle_session_has_the_workload_of_its_latest_statement_that_names_one(
    notes: LabState, remembering: LabInstance, client: Open
):
    session = client(remembering)
    session.begin()
    session.ask("UPDATE notes SET note = 'held' WHERE id = 3 /*application='shop',controller='orders',action='pay'*/")
    session.ask("SELECT 1")
    with reader(notes, remembering) as db:
        assert workloads_of_sessions(db, [session.id]) == {session.id: "shop/orders#pay"}
        (found,) = [each for each in long_transactions(db, older_than=0.0).transactions if each.thread_id == session.id]
    assert found.who == f"app@{found.host} (shop/orders#pay)"


@pytest.mark.lab
def test_a_session_without_comments_has_the_program_of_its_client(notes: LabState, primary: LabInstance):
    login = notes.users["app"]
    connection = pymysql.connect(
        host=primary.host, port=primary.port, user=login.user, password=login.password, program_name="nightly-report"
    )
    with connection, reader(notes, primary) as db:
        assert workloads_of_sessions(db, [connection.thread_id()]) == {connection.thread_id(): "nightly-report"}
        assert [each for each in connection_use(db).programs if each.program == "nightly-report"]


@pytest.mark.lab
def test_a_holder_and_a_running_statement_are_named(notes: LabState, remembering: LabInstance, client: Open):
    holder, waiter = client(remembering), client(remembering)
    holder.begin()
    holder.ask("/* WORKLOAD_NAME=job:purge */ UPDATE notes SET note = 'held' WHERE id = 4")
    waiter.runs("UPDATE notes SET note = 'mine' WHERE id = 4 /*vt+ WORKLOAD_NAME=api/send */")

    def waits() -> bool:
        with reader(notes, remembering, timeout=10.0) as db:
            return bool(wait_graph(db).waiting)

    wait_until("the writer waits", waits)
    with reader(notes, remembering, timeout=10.0) as db:
        (root,) = wait_graph(db).holders
        shapes = running_statements(db).shapes
    assert (root.thread_id, root.workload) == (holder.id, "job:purge")
    assert "api/send" in {each.workload for each in shapes}
