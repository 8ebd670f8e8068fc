"""mysql.wait_graph: whoever waits is followed to the session that holds it, of every kind, and to nobody else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from actions.diagnostics.mysql.wait_graph import WaitGraph, wait_graph
from actions.row_lock_queues import MOST_EDGES
from bot.lab.lab_state import LabInstance, LabState
from bot.lab.server_data_directories import MAX_CONNECTIONS
from bot.lab.waiting import wait_until
from tests.actions.hands import Client, administer, let_innodb_renew, reader

pytestmark = pytest.mark.lab

Open = Callable[..., Client]
DDL = "ALTER TABLE notes COMMENT 'x'"
"""It leaves the columns as they are: whoever waits behind it may be the last to be ended, and then it is made."""


@pytest.fixture(params=["orders-1", "billing-1"], ids=["mysql", "mariadb"])
def server(request: pytest.FixtureRequest, notes: LabState) -> LabInstance:
    return notes.instance(request.param)


@pytest.fixture
def mysql(notes: LabState) -> LabInstance:
    return notes.instance("orders-1")


def graph(lab: LabState, instance: LabInstance, waiting: int, idle_for: float = 0.0) -> WaitGraph:
    """Returns the graph once so many sessions wait; with 0 seconds, holders are looked at once only."""
    found: list[WaitGraph] = []

    def enough() -> bool:
        let_innodb_renew()
        with reader(lab, instance, timeout=10.0) as db:
            found[:] = [wait_graph(db, idle_for=idle_for)]
        return found[0].waiting >= waiting

    wait_until(f"{waiting} sessions of {instance.name} wait", enough)
    return found[0]


def locked_row(session: Client, number: int = 1) -> None:
    session.begin()
    session.ask(f"UPDATE notes SET note = 'held' WHERE id = {number}")


def test_where_nobody_waits_there_is_nothing(notes: LabState, server: LabInstance):
    with reader(notes, server) as db:
        found = wait_graph(db)
    assert (found.waiting, found.holders, found.suspects, found.complete) == (0, (), (), True)


def test_the_idle_holder_of_a_row_is_found_behind_60_waiters(notes: LabState, server: LabInstance, client: Open):
    holder = client(server)
    locked_row(holder)
    for _ in range(60):
        client(server).starts("UPDATE notes SET note = 'mine' WHERE id = 1")
    found = graph(notes, server, 60)
    (root,) = found.holders
    assert (root.thread_id, root.waiting, root.kind, root.object) == (holder.id, 60, "row", "shop.notes")
    assert (root.idle, root.kill, root.rows_modified) == (True, "connection", 1)
    assert (found.waiting, found.unexplained, found.complete) == (60, 0, True)


def test_the_holder_is_found_behind_more_waiters_than_have_their_edges_read(
    notes: LabState, server: LabInstance, client: Open
):
    administer(server, "SET GLOBAL max_connections = 400")
    holder = client(server)
    locked_row(holder)
    for _ in range(MOST_EDGES + 5):
        client(server).starts("UPDATE notes SET note = 'mine' WHERE id = 1")
    found = graph(notes, server, MOST_EDGES + 5)
    administer(server, f"SET GLOBAL max_connections = {MAX_CONNECTIONS}")
    assert [(each.thread_id, each.waiting, each.inferred) for each in found.holders] == [
        (holder.id, MOST_EDGES + 5, False)
    ]


def keeps_alive(session: Client, stop: threading.Event) -> threading.Thread:
    """Lets a session run a short statement every half second, as an application within its transaction does."""

    def run() -> None:
        while not stop.wait(0.5):
            session.ask("SELECT 1")

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_holder_that_has_just_got_a_hot_row_is_not_offered(notes: LabState, server: LabInstance, client: Open):
    first, second = client(server), client(server)
    locked_row(first)
    second.begin()
    second.runs("UPDATE notes SET note = 'next' WHERE id = 1")
    client(server).runs("UPDATE notes SET note = 'last' WHERE id = 1")
    graph(notes, server, 2, idle_for=5.0)
    time.sleep(7)  # the second one's transaction is that old, all of it its own wait
    first.ask("COMMIT")
    second.shows(lambda row: row["Command"] == "Sleep")
    looks = [graph(notes, server, 1, idle_for=5.0)]  # idle, and the process list of MySQL says for 7 s
    stop = threading.Event()
    alive = keeps_alive(second, stop)
    try:
        looks += [graph(notes, server, 1, idle_for=5.0) for _ in range(2)]
    finally:
        stop.set()
        alive.join()
    for found in looks:
        (root,) = found.holders
        assert (root.thread_id, root.live, root.kill) == (second.id, True, "")
        assert root.age >= 7
        assert root.held_for < 5
        assert found.killable == ()


def test_a_holder_counts_as_idle_once_it_has_been_so_for_some_seconds(
    notes: LabState, server: LabInstance, client: Open
):
    holder = client(server)
    locked_row(holder)
    client(server).runs("UPDATE notes SET note = 'mine' WHERE id = 1")
    assert graph(notes, server, 1, idle_for=3.0).killable == ()
    time.sleep(4)
    (root,) = graph(notes, server, 1, idle_for=3.0).killable
    assert (root.thread_id, root.kill, root.live) == (holder.id, "connection", False)
    assert root.held_for >= 3


def test_on_mysql_it_is_known_how_long_a_busy_transaction_has_held_a_row(
    notes: LabState, mysql: LabInstance, client: Open
):
    holder = client(mysql)
    locked_row(holder)
    client(mysql).runs("UPDATE notes SET note = 'mine' WHERE id = 1")
    stop = threading.Event()
    alive = keeps_alive(holder, stop)
    time.sleep(5)
    try:
        (root,) = graph(notes, mysql, 1, idle_for=5.0).holders
    finally:
        stop.set()
        alive.join()
    assert 3 <= root.held_for <= 8


def test_a_transaction_that_only_reads_and_locks_is_not_mistaken_for_one_that_only_reads(
    notes: LabState, server: LabInstance, client: Open
):
    for bystander in (client(server), client(server)):
        bystander.begin()
        bystander.ask("SELECT * FROM notes")
    holder = client(server)
    holder.begin()
    holder.ask("SELECT * FROM notes WHERE id = 1 LOCK IN SHARE MODE")
    client(server).runs("UPDATE notes SET note = 'mine' WHERE id = 1")
    found = graph(notes, server, 1)
    assert [(each.thread_id, each.waiting) for each in found.holders] == [(holder.id, 1)]
    assert found.complete


def test_on_mariadb_several_transactions_that_only_read_and_lock_are_suspects(notes: LabState, client: Open):
    server = notes.instance("billing-1")
    holders = [client(server) for _ in range(2)]
    for number, holder in enumerate(holders, start=1):
        holder.begin()
        holder.ask(f"SELECT * FROM notes WHERE id = {number} LOCK IN SHARE MODE")
    client(server).runs("UPDATE notes SET note = 'mine' WHERE id = 1")
    found = WaitGraph()

    def only_mine() -> bool:
        """A session of an earlier test may still be there."""
        nonlocal found
        found = graph(notes, server, 1)
        return {each.thread_id for each in found.suspects} == {each.id for each in holders}

    wait_until("both are suspects", only_mine)
    assert (found.holders, found.complete, found.unexplained) == ((), False, 1)
    assert all(each.inferred for each in found.suspects)


def test_sessions_that_wait_for_shared_locks_are_no_holders(notes: LabState, server: LabInstance, client: Open):
    holder = client(server)
    locked_row(holder)
    for _ in range(2):
        client(server).runs("SELECT * FROM notes WHERE id = 1 LOCK IN SHARE MODE")
    found = graph(notes, server, 2)
    assert [(each.thread_id, each.waiting) for each in found.holders] == [(holder.id, 2)]


def test_a_chain_leads_to_its_first_session(notes: LabState, server: LabInstance, client: Open):
    first, second = client(server), client(server)
    locked_row(first, 1)
    locked_row(second, 2)
    second.runs("UPDATE notes SET note = 'next' WHERE id = 1")
    client(server).runs("UPDATE notes SET note = 'last' WHERE id = 2")
    found = graph(notes, server, 2)
    assert [(each.thread_id, each.waiting) for each in found.holders] == [(first.id, 2)]


def test_a_statement_after_the_lock_was_taken_does_not_hold_it(notes: LabState, server: LabInstance, client: Open):
    holder = client(server)
    locked_row(holder)
    holder.runs("SELECT SLEEP(100)")
    client(server).runs("UPDATE notes SET note = 'mine' WHERE id = 1")
    (root,) = graph(notes, server, 1).holders
    assert (root.thread_id, root.idle, root.kill) == (holder.id, False, "connection")


def test_a_statement_that_is_its_own_transaction_releases_its_locks_when_it_ends(
    notes: LabState, mysql: LabInstance, client: Open
):
    holder = client(mysql)
    holder.runs("UPDATE notes SET note = 'slow' WHERE id = 1 AND SLEEP(100) = 0")
    client(mysql).runs("UPDATE notes SET note = 'mine' WHERE id = 1")
    (root,) = graph(notes, mysql, 1).holders
    assert (root.thread_id, root.kill) == (holder.id, "query")


def test_a_lock_on_a_table_is_of_its_holder_and_not_of_a_bystander(notes: LabState, mysql: LabInstance, client: Open):
    bystander, holder = client(mysql), client(mysql, "backup")
    bystander.begin()
    bystander.ask("SELECT COUNT(*) FROM notes")
    holder.ask("LOCK TABLES shop.notes READ")
    client(mysql).runs("UPDATE notes SET note = 'mine' WHERE id = 1", until="metadata")
    (root,) = graph(notes, mysql, 1).holders
    assert (root.thread_id, root.kind, root.object) == (holder.id, "metadata", "shop.notes")
    assert "backup" in root.protected
    assert root.kill == ""


def test_beside_a_protected_holder_the_next_one_is_offered_for_its_own_waiters(
    notes: LabState, server: LabInstance, client: Open
):
    protected, free = client(server, "backup"), client(server)
    protected.begin()
    protected.ask("SELECT * FROM notes WHERE id = 1 LOCK IN SHARE MODE")
    locked_row(free, 2)
    for number in (1, 1, 1, 2):
        client(server).runs(f"UPDATE notes SET note = 'mine' WHERE id = {number}")
    found = graph(notes, server, 4)
    assert [(each.thread_id, each.waiting) for each in found.holders] == [(protected.id, 3), (free.id, 1)]
    assert [(each.thread_id, each.frees) for each in found.killable] == [(free.id, 1)]
    assert [each.thread_id for each in found.kept] == [protected.id]
    assert f"Session {protected.id} of backup" in found.remains
    assert "remains: 3 sessions wait for it" in found.remains
    assert not found.only_kept
    administer(server, f"KILL {free.id}")
    wait_until("only those behind the backup wait", lambda: graph(notes, server, 3).waiting == 3)
    assert graph(notes, server, 3).only_kept


def test_a_holder_whose_waiters_wait_for_a_protected_one_too_is_not_offered(
    notes: LabState, server: LabInstance, client: Open
):
    for user in ("backup", "app"):
        holder = client(server, user)
        holder.begin()
        if user == "app":  # a change gives its transaction an id on MariaDB, by which its locks are known
            holder.ask("UPDATE notes SET note = 'held' WHERE id = 5")
        holder.ask("SELECT * FROM notes WHERE id = 1 LOCK IN SHARE MODE")
    client(server).runs("UPDATE notes SET note = 'mine' WHERE id = 1")
    found = graph(notes, server, 1)
    assert {(each.user, each.waiting, each.frees) for each in found.holders} >= {("app", 1, 0)}
    assert len(found.holders) == 2
    assert found.killable == ()


def test_behind_a_schema_change_the_transaction_that_it_waits_for_is_the_root(
    notes: LabState, mysql: LabInstance, client: Open
):
    holder = client(mysql)
    holder.begin()
    holder.ask("SELECT COUNT(*) FROM notes")
    client(mysql, "deploy").runs(DDL, until="metadata")
    for _ in range(3):
        client(mysql).runs("SELECT COUNT(*) FROM notes", until="metadata")
    found = graph(notes, mysql, 4)
    assert [(each.thread_id, each.waiting, each.kill) for each in found.holders] == [(holder.id, 4, "connection")]
    assert found.ddl.startswith("ALTER TABLE notes COMMENT")


@pytest.fixture
def other_table(mysql: LabInstance) -> Iterator[str]:
    administer(mysql, "CREATE TABLE shop.other_notes (id INT PRIMARY KEY)")
    yield "other_notes"
    administer(mysql, "DROP TABLE shop.other_notes")


def test_row_locks_behind_a_metadata_lock_have_the_holder_of_the_table_as_root(
    notes: LabState, mysql: LabInstance, other_table: str, client: Open
):
    reading, writing = client(mysql), client(mysql)
    reading.begin()
    reading.ask(f"SELECT COUNT(*) FROM {other_table}")
    locked_row(writing)
    client(mysql, "deploy").runs(f"ALTER TABLE {other_table} ADD COLUMN more INT", until="metadata")
    writing.runs(f"SELECT COUNT(*) FROM {other_table}", until="metadata")
    client(mysql).runs("UPDATE notes SET note = 'mine' WHERE id = 1")
    found = graph(notes, mysql, 3)
    assert [(each.thread_id, each.waiting) for each in found.holders] == [(reading.id, 3)]


def test_a_global_read_lock_is_of_the_session_that_took_it(notes: LabState, mysql: LabInstance, client: Open):
    holder = client(mysql, "backup")
    holder.ask("FLUSH TABLES WITH READ LOCK")
    for _ in range(2):
        client(mysql).runs("UPDATE notes SET note = 'mine' WHERE id = 1", until="global read lock")
    found = graph(notes, mysql, 2)
    root = found.holders[0]
    assert (root.thread_id, root.kind, root.idle) == (holder.id, "global_read_lock", True)
    assert root.waiting >= 2


def test_a_user_level_lock_is_of_the_session_that_took_it(notes: LabState, mysql: LabInstance, client: Open):
    holder = client(mysql)
    holder.ask("SELECT GET_LOCK('job', 1)")
    client(mysql).runs("SELECT GET_LOCK('job', 300)", until="lock")
    (root,) = graph(notes, mysql, 1).holders
    assert (root.thread_id, root.kind, root.object, root.kill) == (holder.id, "user_level_lock", "job", "connection")


def test_on_mariadb_a_user_level_lock_is_of_the_session_that_took_it(notes: LabState, client: Open):
    mariadb = notes.instance("billing-1")
    other, holder = client(mariadb), client(mariadb)
    other.ask("SELECT GET_LOCK('other', 1)")
    holder.ask("SELECT GET_LOCK('nightly', 1)")
    for _ in range(2):
        client(mariadb).runs("SELECT GET_LOCK('nightly', 300)", until="lock")
    found = graph(notes, mariadb, 2)
    (root,) = found.holders
    assert (root.thread_id, root.kind, root.object, root.kill) == (
        holder.id, "user_level_lock", "nightly", "connection",
    )  # fmt: skip
    assert (root.waiting, found.unexplained) == (2, 0)


def test_who_waits_for_a_flush_leads_to_who_has_the_table_open(notes: LabState, mysql: LabInstance, client: Open):
    slow, elsewhere = client(mysql, "reports"), client(mysql)
    slow.runs("SELECT note, SLEEP(100) FROM notes")
    elsewhere.runs("SELECT SLEEP(100)")
    client(mysql, "backup").runs("FLUSH TABLES", until="table flush")
    client(mysql).runs("SELECT COUNT(*) FROM notes", until="table flush")
    found = graph(notes, mysql, 2)
    assert [(each.thread_id, each.object, each.inferred, each.kill) for each in found.flush_blockers] == [
        (slow.id, "shop.notes", True, "")
    ]
    assert (found.holders, found.recorded) == ((), True)
    assert f"The only known candidate is session {slow.id} of reports" in found.suspected


def test_on_mariadb_a_metadata_lock_has_suspects_and_no_holder(notes: LabState, client: Open):
    mariadb = notes.instance("billing-1")
    other, holder = client(mariadb), client(mariadb)
    other.begin()
    other.ask("SELECT COUNT(*) FROM invoices")
    time.sleep(3)
    holder.begin()
    holder.ask("SELECT COUNT(*) FROM notes")
    client(mariadb, "deploy").runs(DDL, until="metadata")
    client(mariadb).runs("SELECT COUNT(*) FROM notes", until="metadata")
    time.sleep(3)
    younger = client(mariadb)
    younger.begin()
    younger.ask("SELECT COUNT(*) FROM invoices")
    found = graph(notes, mariadb, 2)
    assert (found.holders, found.recorded) == ((), False)
    assert {other.id, holder.id} <= {each.thread_id for each in found.suspects}
    assert younger.id not in {each.thread_id for each in found.suspects}
    assert all(each.inferred and not each.kill for each in found.suspects)
    assert f"session {holder.id} of app@" in found.suspected
    assert found.unexplained == 2


@pytest.fixture
def recording_since_now(notes: LabState) -> Iterator[Callable[[], None]]:
    """Enables the instrument of metadata locks on MariaDB; it is disabled again after the test."""
    change = "UPDATE performance_schema.setup_instruments SET ENABLED = '{}' WHERE NAME = 'wait/lock/metadata/sql/mdl'"
    mariadb = notes.instance("billing-1")
    yield lambda: administer(mariadb, change.format("YES"))
    administer(mariadb, change.format("NO"))


@pytest.mark.parametrize("bystander", [False, True])
def test_a_holder_from_before_the_record_is_unknown(
    notes: LabState, client: Open, recording_since_now: Callable[[], None], bystander: bool
):
    mariadb = notes.instance("billing-1")
    holder, recorded = client(mariadb), client(mariadb)
    holder.begin()
    holder.ask("SELECT COUNT(*) FROM notes")
    recording_since_now()
    if bystander:
        recorded.begin()
        recorded.ask("SELECT COUNT(*) FROM notes")
    client(mariadb, "deploy").runs(DDL, until="metadata")
    client(mariadb).runs("SELECT COUNT(*) FROM notes", until="metadata")
    found = graph(notes, mariadb, 2)
    assert (found.recorded, found.killable) == (True, ())
    assert holder.id in {each.thread_id for each in found.suspects}
    assert not [each for each in found.suspects if each.kill]


def test_where_metadata_locks_are_recorded_a_lasting_snapshot_hides_no_holder(
    notes: LabState, mysql: LabInstance, client: Open
):
    snapshot, holder = client(mysql), client(mysql)
    snapshot.ask("START TRANSACTION WITH CONSISTENT SNAPSHOT")
    holder.begin()
    holder.ask("SELECT COUNT(*) FROM notes")
    client(mysql, "deploy").runs(DDL, until="metadata")
    found = graph(notes, mysql, 1)
    assert [(each.thread_id, each.kill) for each in found.holders] == [(holder.id, "connection")]
    assert found.suspects == ()


@pytest.fixture
def prepared(server: LabInstance) -> Iterator[LabInstance]:
    yield server
    administer(server, "XA ROLLBACK 'stuck'")


def test_a_prepared_transaction_is_a_holder_without_a_session(notes: LabState, prepared: LabInstance, client: Open):
    owner = client(prepared)
    for sql in (
        "XA START 'stuck'",
        "UPDATE notes SET note = 'held' WHERE id = 1",
        "XA END 'stuck'",
        "XA PREPARE 'stuck'",
    ):
        owner.ask(sql)
    owner.close()
    client(prepared).runs("UPDATE notes SET note = 'mine' WHERE id = 1")
    (root,) = graph(notes, prepared, 1).holders
    assert (root.thread_id, root.prepared, root.kill, root.waiting) == (0, True, "", 1)


@pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
def test_who_blocks_the_applier_is_known(notes: LabState, broken: Callable[[str, str], LabInstance], flavour: str):
    replica = broken("replication_lag", flavour)
    found = graph(notes, replica, 1)
    assert found.applier_waits
    assert [each.user for each in found.holders if each.blocks_applier] == ["reports"]
