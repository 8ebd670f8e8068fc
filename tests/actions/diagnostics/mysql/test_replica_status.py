"""mysql.replica_status: one record from the columns of every version, and never a guess."""

from __future__ import annotations

import pytest

from actions.contract import Unreadable
from actions.diagnostics.mysql.replica_status import ReplicaStatus, replica_status
from tests.actions.hands import administer, reader
from tests.recorded import MARIADB_104, MARIADB_1011, MYSQL_57, MYSQL_80, MYSQL_97, Recorded

NEW = {
    "Replica_IO_State": "Waiting for source to send event",
    "Source_Host": "db1",
    "Source_Port": 3306,
    "Replica_IO_Running": "Yes",
    "Replica_SQL_Running": "Yes",
    "Seconds_Behind_Source": 3,
    "Last_IO_Errno": 0,
    "Last_IO_Error": "",
    "Last_SQL_Errno": 0,
    "Last_SQL_Error": "",
    "SQL_Delay": 0,
    "Replica_SQL_Running_State": "Replica has read all relay log; waiting for more updates",
    "Retrieved_Gtid_Set": "u:1-9",
    "Executed_Gtid_Set": "u:1-8",
    "Auto_Position": 1,
    "Channel_Name": "",
}
OLD = {
    "Slave_IO_State": "Waiting for master to send event",
    "Master_Host": "db1",
    "Master_Port": 3306,
    "Slave_IO_Running": "Yes",
    "Slave_SQL_Running": "Yes",
    "Seconds_Behind_Master": 3,
    "Last_IO_Errno": 0,
    "Last_IO_Error": "",
    "Last_SQL_Errno": 0,
    "Last_SQL_Error": "",
    "SQL_Delay": 0,
    "Slave_SQL_Running_State": "Slave has read all relay log; waiting for the slave I/O thread to update it",
    "Retrieved_Gtid_Set": "u:1-9",
    "Executed_Gtid_Set": "u:1-8",
    "Auto_Position": 1,
    "Channel_Name": "",
}
MARIADB = {
    "Connection_name": "",
    "Slave_IO_State": "Waiting for master to send event",
    "Master_Host": "db1",
    "Master_Port": 3306,
    "Slave_IO_Running": "Yes",
    "Slave_SQL_Running": "Yes",
    "Seconds_Behind_Master": 3,
    "Last_IO_Errno": 0,
    "Last_IO_Error": "",
    "Last_SQL_Errno": 0,
    "Last_SQL_Error": "",
    "Using_Gtid": "Slave_Pos",
    "Gtid_IO_Pos": "u:1-9",
    "SQL_Delay": 0,
    "Slave_SQL_Running_State": "Slave has read all relay log; waiting for more updates",
    "Gtid_Slave_Pos": "u:1-8",
}
VERSIONS = [
    (MYSQL_57, "SHOW SLAVE STATUS", OLD),
    (MYSQL_80, "SHOW REPLICA STATUS", NEW),
    (MYSQL_97, "SHOW REPLICA STATUS", NEW),
    (MARIADB_104, "SHOW ALL SLAVES STATUS", MARIADB),
    (MARIADB_1011, "SHOW ALL REPLICAS STATUS", MARIADB),
]


@pytest.mark.parametrize(("version", "statement", "row"), VERSIONS, ids=lambda value: str(value)[:24])
def test_the_same_is_read_of_every_version(version, statement, row):
    db = Recorded(version, {statement: [row]})
    status = replica_status(db)
    assert db.asked == [(statement, ())]
    assert status.running
    assert (status.lag, status.delay) == (3.0, 0.0)
    assert (status.source_host, status.source_port, status.auto_position) == ("db1", 3306, True)
    assert (status.retrieved_gtid, status.executed_gtid) == ("u:1-9", "u:1-8")
    assert status.receiver_state.startswith("Waiting for")
    assert "has read all relay log" in status.applier_state


@pytest.mark.parametrize(("version", "statement", "row"), VERSIONS, ids=lambda value: str(value)[:24])
def test_a_server_that_replicates_from_nobody_is_not_configured(version, statement, row):
    status = replica_status(Recorded(version, {statement: []}))
    assert status == ReplicaStatus()
    assert not status.configured
    assert not status.stopped_by_hand


def test_mariadb_s_word_between_connected_and_reading_is_known():
    db = Recorded(MARIADB_1011, {"SHOW": [{**OLD, "Slave_IO_Running": "Preparing"}]})
    assert replica_status(db).receiver_running == "Preparing"


@pytest.mark.parametrize("column", ["Replica_IO_Running", "Replica_SQL_Running"])
def test_a_word_that_no_runbook_can_ask_for_is_told(column: str):
    with pytest.raises(Unreadable, match=r"reports 'Perhaps' as the state of a replication thread; Yes, No"):
        replica_status(Recorded(MYSQL_97, {"SHOW": [{**NEW, column: "Perhaps"}]}))


def test_an_unknown_lag_is_not_zero():
    status = replica_status(Recorded(MYSQL_97, {"SHOW": [{**NEW, "Seconds_Behind_Source": None}]}))
    assert status.lag is None


@pytest.mark.parametrize(("errno", "by_hand"), [(0, True), (1062, False)])
def test_stopped_without_an_error_is_stopped_by_hand(errno, by_hand):
    row = {**NEW, "Replica_SQL_Running": "No", "Last_SQL_Errno": errno}
    assert replica_status(Recorded(MYSQL_97, {"SHOW": [row]})).stopped_by_hand is by_hand


def test_of_several_channels_the_one_that_does_not_run_is_told():
    rows = [{**NEW, "Channel_Name": "a"}, {**NEW, "Channel_Name": "b", "Replica_IO_Running": "Connecting"}]
    assert replica_status(Recorded(MYSQL_97, {"SHOW": rows})).channel == "b"
    named = [{**MARIADB, "Connection_name": "a"}, {**MARIADB, "Connection_name": "b"}]
    assert replica_status(Recorded(MARIADB_1011, {"SHOW": named})).channel == "a"


HAND = {"Replica_IO_Running": "No", "Replica_SQL_Running": "No"}
FAILED = {"Replica_SQL_Running": "No", "Last_SQL_Errno": 1062}
TRIES = {"Replica_IO_Running": "Connecting", "Last_IO_Errno": 2003}


@pytest.mark.parametrize(
    ("states", "told"),
    [
        ([HAND, FAILED], 1),
        ([TRIES, FAILED, HAND], 1),
        ([HAND, TRIES], 1),
        ([{}, HAND], 1),
        ([{}, {"Seconds_Behind_Source": 40}, {"Seconds_Behind_Source": 4}], 1),
        ([{"Seconds_Behind_Source": 40}, {"Seconds_Behind_Source": None}], 1),
        ([FAILED, FAILED], 0),
    ],
)
def test_the_channel_with_an_error_goes_before_one_that_somebody_stopped_or_that_lags(states, told):
    rows = [{**NEW, **state, "Channel_Name": str(number)} for number, state in enumerate(states)]
    found = replica_status(Recorded(MYSQL_97, {"SHOW": rows}))
    assert found.channel == str(told)
    assert len(found.others) == len(states) - 1


def test_a_channel_that_is_named_is_told_whatever_the_others_do():
    rows = [{**NEW, "Channel_Name": "A"}, {**NEW, **FAILED, "Channel_Name": "b"}, {**NEW, **HAND, "Channel_Name": ""}]
    found = replica_status(Recorded(MYSQL_97, {"SHOW": rows}), channel="a")
    assert (found.channel, found.running, found.others_failed) == ("A", True, "channel b (applier: error 1062)")
    gone = replica_status(Recorded(MYSQL_97, {"SHOW": rows}), channel="c")
    assert (gone.configured, gone.channel, len(gone.others)) == (False, "c", 3)
    assert replica_status(Recorded(MYSQL_97, {"SHOW": []}), channel="c") == ReplicaStatus()


def test_only_a_server_with_channels_names_them_in_sentences():
    assert replica_status(Recorded(MYSQL_97, {"SHOW": [NEW]})).of_channel == ""
    rows = [{**NEW, **FAILED}, {**NEW, "Channel_Name": "b"}]
    assert replica_status(Recorded(MYSQL_97, {"SHOW": rows})).of_channel == " of the default channel"


@pytest.mark.parametrize(("version", "row", "word"), [(MYSQL_97, NEW, "Source"), (MARIADB_1011, MARIADB, "Master")])
def test_what_is_received_and_what_is_applied_are_told(version, row, word):
    at = {f"{word}_Log_File": "b.2", f"Read_{word}_Log_Pos": 9, f"Relay_{word}_Log_File": "b.1"}
    found = replica_status(Recorded(version, {"SHOW": [{**row, **at, f"Exec_{word}_Log_Pos": 7}]}))
    assert (found.received_until, found.applied_until, found.up_to_date) == ("b.2:9", "b.1:7", False)
    assert not replica_status(Recorded(version, {"SHOW": [row]})).up_to_date


def test_values_of_rows_and_statements_are_not_kept():
    error = (
        "Error 'Duplicate entry 'jane@example.com' for key 'users.email'' on query. Default database: 'shop'. "
        "Query: 'INSERT INTO users VALUES (7, 'jane@example.com')'"
    )
    row = {**MARIADB, "Slave_SQL_Running": "No", "Last_SQL_Errno": 1062, "Last_SQL_Error": error}
    said = replica_status(Recorded(MARIADB_1011, {"SHOW": [row]})).applier_error
    assert "jane" not in said
    assert "users.email" in said


def test_a_worker_that_waited_for_the_one_that_failed_is_not_the_cause():
    row = {**NEW, "Replica_SQL_Running": "No", "Last_SQL_Errno": 3030, "Last_SQL_Error": "Coordinator stopped"}
    failed = [{"errno": 1062, "error": "Duplicate entry 'jane' for key 'users.PRIMARY'"}]
    db = Recorded(MYSQL_97, {"SHOW REPLICA STATUS": [row], "replication_applier_status_by_worker": failed})
    status = replica_status(db)
    assert (status.applier_errno, status.applier_error) == (1062, "Duplicate entry '?' for key 'users.PRIMARY'")
    db.answers["replication_applier_status_by_worker"] = []
    assert replica_status(db).applier_errno == 3030


def test_columns_that_are_not_there_are_no_reason_to_break():
    status = replica_status(Recorded(MYSQL_97, {"SHOW": [{"Replica_IO_Running": None, "Last_SQL_Errno": None}]}))
    assert status.configured
    assert (status.receiver_running, status.applier_running, status.lag) == ("No", "No", None)
    assert status.applier_errno == 0


@pytest.mark.lab
def test_a_replica_that_runs(notes, replica):
    with reader(notes, replica) as db:
        status = replica_status(db)
    assert status.running
    assert status.lag is not None
    assert status.auto_position
    assert status.source_host == "127.0.0.1"
    assert status.retrieved_gtid
    assert status.executed_gtid


@pytest.mark.lab
def test_a_primary_is_not_configured(notes, primary):
    with reader(notes, primary) as db:
        assert replica_status(db) == ReplicaStatus()


@pytest.mark.lab
@pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
def test_an_applier_that_gave_up(notes, broken, flavour):
    replica = broken("replication_stopped", flavour)
    with reader(notes, replica) as db:
        status = replica_status(db)
    assert (status.receiver_running, status.applier_running) == ("Yes", "No")
    assert status.applier_errno == 1205
    assert status.applier_error
    assert status.lag is None
    assert not status.stopped_by_hand


@pytest.mark.lab
def test_an_applier_that_somebody_stopped(sound_lab, notes, replica):
    administer(replica, "STOP REPLICA SQL_THREAD")
    with reader(notes, replica) as db:
        status = replica_status(db)
    administer(replica, "START REPLICA SQL_THREAD")
    assert status.stopped_by_hand
    assert status.receiver_running == "Yes"
