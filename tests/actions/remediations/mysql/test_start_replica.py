"""mysql.start_replica: threads are started where the error passes by itself, and everything else says what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from actions.contract import Refused
from actions.diagnostics.mysql.replica_status import replica_status
from actions.remediations.mysql.skip_transaction import SkipTransaction
from actions.remediations.mysql.start_replica import INSTEAD, RETRYABLE, StartReplica
from actions.remediations.mysql.stop_replica import StopReplica
from bot.lab.connections import administrator, ask
from bot.lab.lab_state import LabInstance, LabState
from bot.lab.replication import replica_status as status_of
from bot.lab.replication import replicates
from bot.lab.waiting import wait_until
from tests.actions.diagnostics.mysql.test_replica_status import MARIADB, NEW, OLD
from tests.actions.hands import administer, check, make, reader, undo_of, verify
from tests.recorded import MARIADB_104, MARIADB_1011, MYSQL_57, MYSQL_80, MYSQL_97, Recorded, named

FLAVOURS = pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
APPLIER = StartReplica(thread="applier")
APPLIED = {
    "Source_Log_File": "b.1",
    "Read_Source_Log_Pos": 900,
    "Relay_Source_Log_File": "b.1",
    "Exec_Source_Log_Pos": 900,
}
GAVE_UP = {"Replica_SQL_Running": "No", "Last_SQL_Errno": 1205, "Last_SQL_Error": "Lock wait timeout exceeded"}


NOBODY = {"INNODB_TRX": [], "GLOBAL VARIABLES": named(innodb_lock_wait_timeout=50, replica_transaction_retries=10)}


def server(version=MYSQL_97, row=NEW, **changes):
    return Recorded(version, {**NOBODY, "SHOW": [{**row, **changes}]})


# -- on real servers --------------------------------------------------------------------------------------------------


@pytest.mark.lab
@FLAVOURS
def test_an_applier_that_gave_up_on_a_lock_is_started_and_can_be_stopped_again(notes, broken, flavour):
    replica = broken("replication_stopped", flavour)
    check(notes, replica, APPLIER)
    undo = undo_of(notes, replica, APPLIER)
    assert make(notes, replica, APPLIER) == ["START REPLICA SQL_THREAD"]
    verdict = verify(notes, replica, APPLIER)
    assert verdict.ok
    assert f"The applier of {replica.address} is running" in verdict.says
    assert replicates(replica)

    assert undo == ["STOP REPLICA SQL_THREAD"]
    administer(replica, *undo)
    with reader(notes, replica) as db:
        assert replica_status(db).stopped_by_hand


@pytest.mark.lab
def test_receivers_that_gave_up_on_a_source_in_offline_mode_are_started(sound_lab, notes):
    """MariaDB has no offline mode."""
    source, replicas = notes.instance("orders-1"), [notes.instance("orders-2"), notes.instance("orders-3")]
    administer(source, "SET GLOBAL offline_mode = ON")
    try:
        wait_until(
            "the receivers give up",
            lambda: all(status_of(each)["Replica_IO_Running"] == "No" for each in replicas),
            60.0,
        )
    finally:
        administer(source, "SET GLOBAL offline_mode = OFF")
    receiver = StartReplica(thread="receiver")
    for replica in replicas:
        with reader(notes, replica) as db:
            assert replica_status(db).receiver_errno == 3032
        check(notes, replica, receiver)
        assert make(notes, replica, receiver) == ["START REPLICA IO_THREAD"]
    wait_until("the receivers run", lambda: all(replicates(each) for each in replicas))


@pytest.mark.lab
@FLAVOURS
def test_both_threads_are_started_where_somebody_says_so(sound_lab, notes, flavour):
    replica = notes.instance("orders-3" if flavour == "mysql" else "billing-2")
    administer(replica, "STOP REPLICA")
    with pytest.raises(Refused, match=r"The applier of .* stopped without an error: a person or a tool stopped it"):
        check(notes, replica, StartReplica())
    with pytest.raises(Refused, match=r"The receiver of .* stopped without an error"):
        check(notes, replica, StartReplica(thread="receiver"))
    both = StartReplica(stopped_by_hand_too=True)
    check(notes, replica, both)
    assert make(notes, replica, both) == ["START REPLICA"]
    assert verify(notes, replica, both).ok
    assert undo_of(notes, replica, both) == ["STOP REPLICA"]


@pytest.mark.lab
def test_what_runs_is_not_started_again(notes, replica):
    with pytest.raises(Refused, match=r"The replication of .* is already running\. Press Try again"):
        check(notes, replica, StartReplica())
    with pytest.raises(Refused, match=r"The applier of .* is already running"):
        check(notes, replica, APPLIER)


@pytest.mark.lab
def test_what_does_not_replicate_is_not_started(notes, primary):
    with pytest.raises(Refused, match="is not configured to replicate; there is nothing to start"):
        check(notes, primary, StartReplica())


@pytest.fixture
def drifted(sound_lab: LabState, notes: LabState) -> Iterator[Callable[[str], LabInstance]]:
    """A replica whose applier meets a row that is there already; it is put in order again."""
    made: list[tuple[LabInstance, LabInstance]] = []

    def drift(flavour: str) -> LabInstance:
        replica = notes.instance("orders-3" if flavour == "mysql" else "billing-2")
        assert replica.source
        source = notes.instance(replica.source)
        made.append((replica, source))
        off = "SET GLOBAL super_read_only = OFF" if flavour == "mysql" else "SET GLOBAL read_only = OFF"
        own = "SET SESSION sql_log_bin = 0"
        administer(replica, off, own, "INSERT INTO shop.notes VALUES (900, 'here first')")
        administer(source, "INSERT INTO shop.notes VALUES (900, 'from the source')")
        wait_until("the applier stops", lambda: status_of(replica)["Replica_SQL_Running"] == "No")
        return replica

    yield drift
    for replica, source in made:
        with administrator(replica) as admin:
            ask(admin, "SET SESSION sql_log_bin = 0")
            ask(admin, "DELETE FROM shop.notes WHERE id = 900")
            ask(admin, "START REPLICA")
            on = "super_read_only" if replica.flavour == "mysql" else "read_only"
            ask(admin, f"SET GLOBAL {on} = ON")
        administer(source, "DELETE FROM shop.notes WHERE id = 900")
        wait_until("the replica runs again", lambda replica=replica: replicates(replica))  # type: ignore[misc]


@pytest.mark.lab
@FLAVOURS
def test_an_error_that_stays_is_refused_and_a_start_all_the_same_is_seen_to_fail(notes, drifted, flavour):
    replica = drifted(flavour)
    with pytest.raises(Refused, match=r"Error 1062 of the applier of .* is not transient .*: the row already exists"):
        check(notes, replica, APPLIER)
    make(notes, replica, APPLIER)
    verdict = verify(notes, replica, APPLIER)
    assert not verdict.ok
    assert f"The applier of {replica.address} stopped again: error 1062" in verdict.says
    assert "from the source" not in verdict.says


@pytest.mark.lab
@pytest.mark.parametrize("thread", ["applier", "receiver", "both"])
def test_the_servers_know_the_statement_for_a_named_channel(notes, replica, thread):
    """It is refused since there is no such channel, not for its words."""
    words = [
        str(statement)
        for statement in StartReplica(thread=thread, stopped_by_hand_too=True).change(
            server(MYSQL_97, NEW, Channel_Name="other")
            if replica.flavour == "mysql"
            else server(MARIADB_1011, MARIADB, Connection_name="other")
        )
    ]
    with administrator(replica) as admin, pytest.raises(Exception, match="'other'") as refused:
        ask(admin, words[0])
    assert refused.value.args[0] in (3074, 1617)


# -- of every version -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "row", "thread", "words"),
    [
        (MYSQL_57, OLD, "both", "START SLAVE"),
        (MYSQL_57, OLD, "applier", "START SLAVE SQL_THREAD"),
        (MYSQL_80, NEW, "receiver", "START REPLICA IO_THREAD"),
        (MYSQL_97, {**NEW, "Channel_Name": "o'x"}, "applier", "START REPLICA SQL_THREAD FOR CHANNEL 'o''x'"),
        (MARIADB_104, MARIADB, "applier", "START SLAVE SQL_THREAD"),
        (MARIADB_1011, {**MARIADB, "Connection_name": "c"}, "both", "START REPLICA 'c'"),
        (MARIADB_1011, {**MARIADB, "Connection_name": "c"}, "applier", "START REPLICA 'c' SQL_THREAD"),
    ],
)
def test_the_statement_of_each_version(version, row, thread, words):
    db = server(version, row)
    assert [str(s) for s in StartReplica(thread=thread).change(db)] == [words]
    assert [str(s) for s in StartReplica(thread=thread).undo(db)] == [words.replace("START", "STOP")]


@pytest.mark.parametrize("errno", sorted(RETRYABLE))
def test_errors_that_pass_by_themselves_are_started(errno):
    APPLIER.check(server(**{**GAVE_UP, "Last_SQL_Errno": errno}))


@pytest.mark.parametrize(("errno", "instead"), sorted(INSTEAD.items()))
def test_errors_that_stay_say_what_to_do_instead(errno, instead):
    with pytest.raises(Refused) as refused:
        APPLIER.check(server(**{**GAVE_UP, "Last_SQL_Errno": errno}))
    assert str(refused.value).endswith(f"{instead}.")


def test_an_error_that_nobody_has_heard_of_is_refused():
    with pytest.raises(Refused, match="find out its cause before you start the thread"):
        APPLIER.check(server(**{**GAVE_UP, "Last_SQL_Errno": 4711}))


def test_a_receiver_that_tries_to_connect_is_not_started_again():
    trying = {"Replica_IO_Running": "Connecting", "Last_IO_Errno": 2003, "Last_IO_Error": "error connecting"}
    with pytest.raises(Refused, match=r"is started and trying to connect \(error 2003: error connecting\)"):
        StartReplica(thread="receiver").check(server(**trying))


def test_one_thread_that_may_not_be_started_keeps_both_from_it():
    stopped = {**GAVE_UP, "Replica_IO_Running": "No", "Last_IO_Errno": 1236}
    with pytest.raises(Refused, match="Error 1236 of the receiver"):
        StartReplica().check(server(**stopped))
    APPLIER.check(server(**stopped))


def test_a_receiver_that_connects_is_waited_for():
    connecting = server(Replica_IO_Running="Connecting", Last_IO_Errno=2003, Last_IO_Error="cannot connect")
    verdict = StartReplica().verify(connecting)
    assert (verdict.ok, verdict.settled) == (False, False)
    assert "is not running yet (error 2003: cannot connect)" in verdict.says


def test_an_unknown_lag_is_said_as_such():
    unknown = server(Seconds_Behind_Source=None, **APPLIED)
    assert StartReplica().verify(unknown).says.endswith("is running, lag unknown.")


def test_an_applier_that_does_not_get_on_is_neither_fixed_nor_failed():
    stands = server(**{**APPLIED, "Exec_Source_Log_Pos": 400})
    verdict = StartReplica().verify(stands)
    assert (verdict.ok, verdict.settled, verdict.known) == (False, False, False)
    assert "it stands at b.1:400, before a transaction that is large or waits for a lock" in verdict.says
    assert "it gives up after up to 550 s" in verdict.says
    assert stands.paused == 1.0
    assert StartReplica().still_made(stands).ok
    assert StartReplica(thread="receiver").verify(stands).ok


def test_an_applier_that_gave_up_on_a_lock_is_not_started_while_a_transaction_holds_rows():
    holder = {"id": 41, "user": "batch", "host": "app1:1", "command": "Sleep", "rows_locked": 1, "age": 300}
    db = server(**GAVE_UP)
    db.answers["INNODB_TRX"] = [holder]
    with pytest.raises(Refused, match=r"session 41 of batch@app1 \(idle\) may still hold it"):
        APPLIER.check(db)
    db = server(**{**GAVE_UP, "Last_SQL_Errno": 1213})
    db.answers["INNODB_TRX"] = [holder]
    APPLIER.check(db)


@pytest.mark.parametrize(
    ("version", "names", "channel", "words"),
    [
        (MYSQL_97, ("", "b"), "", "START REPLICA SQL_THREAD FOR CHANNEL ''"),
        (MYSQL_97, ("", "b"), "b", "START REPLICA SQL_THREAD FOR CHANNEL 'b'"),
        (MYSQL_57, ("", "b"), "B", "START SLAVE SQL_THREAD FOR CHANNEL 'b'"),
        (MYSQL_97, ("b",), "", "START REPLICA SQL_THREAD FOR CHANNEL 'b'"),
        (MARIADB_1011, ("", "b"), "", "START REPLICA SQL_THREAD"),
        (MARIADB_1011, ("", "b"), "b", "START REPLICA 'b' SQL_THREAD"),
    ],
)
def test_one_channel_of_several_is_named(version, names, channel, words):
    row, column = (MARIADB, "Connection_name") if version.is_mariadb else (NEW, "Channel_Name")
    db = Recorded(version, {"SHOW": [{**row, column: name} for name in names]})
    assert [str(s) for s in StartReplica(thread="applier", channel=channel).change(db)] == [words]


@pytest.mark.parametrize(
    ("names", "channel", "says"),
    [
        (("a", "b"), "", r"has 2 replication channels \(channel a, channel b\)\. Name the one that is meant"),
        (("", "b"), "c", r"has no replication channel c; it has the default channel, channel b\."),
        (("group_replication_applier",), "", "belongs to Group Replication, which starts and stops it"),
    ],
)
def test_a_channel_that_is_not_certain_is_refused(names, channel, says):
    db = Recorded(MYSQL_97, {"SHOW": [{**NEW, **GAVE_UP, "Channel_Name": name} for name in names]})
    for change in (StartReplica(channel=channel), StopReplica(channel=channel), SkipTransaction(1062, channel)):
        with pytest.raises(Refused, match=says):
            change.check(db)


def test_an_undo_stops_only_what_was_started():
    half = server(**GAVE_UP)
    assert [str(s) for s in StartReplica().undo(half)] == ["STOP REPLICA SQL_THREAD"]
    assert [str(s) for s in StopReplica().undo(half)] == ["START REPLICA IO_THREAD"]
