"""Errors of the receiver: one number, many causes; the texts are those that running servers gave."""

from __future__ import annotations

import pytest

from actions.remediations.mysql.start_replica import RETRYABLE
from actions.replication_receiver_errors import INSTEAD, receiver_problem

FATAL = "Got fatal error 1236 from source when reading data from binary log: "
OLD = "Got fatal error 1236 from master when reading data from binary log: "
EVENT = (
    "log event entry exceeded max_allowed_packet; Increase max_allowed_packet on source; the first event 'b.1' at 1234"
)
CASES = [
    (
        13114,
        FATAL + "'Cannot replicate because the source purged required binary logs. Replicate the missing'",
        "purged",
    ),
    (
        1236,
        OLD + "'The slave is connecting using CHANGE MASTER TO MASTER_AUTO_POSITION = 1, but the master has purged "
        "binary logs containing GTIDs that the slave requires.'",
        "purged",
    ),
    (1236, OLD + "'Could not find GTID state requested by slave in any binlog files'", "purged"),
    (13114, FATAL + "'Replica has more GTIDs than the source has, using the source's SERVER_UUID.'", "ahead"),
    (1236, OLD + "'Slave has more GTIDs than the master has, using the master's SERVER_UUID.'", "ahead"),
    (
        1236,
        OLD
        + "'Error: connecting slave requested to start from GTID 0-201-101603, which is not in the master's binlog'",
        "ahead",
    ),
    (
        1236,
        OLD + "'Error: connecting slave requested to start from GTID 0-999-1600, which is not in the master's binlog. "
        "Since the master's binlog contains GTIDs with higher sequence numbers, it probably means that the slave has "
        "diverged due to executing extra erroneous transactions'",
        "diverged",
    ),
    (
        13114,
        FATAL + "'A replica with the same server_uuid/server_id as this replica has connected to the source; the first "
        "event '' at 4, the last event read from './binlog.000001' at 651733'",
        "same_id_as_replica",
    ),
    (4052, "A slave with the same server_uuid/server_id is already connected", "same_id_as_replica"),
    (13117, "Fatal error: The replica I/O thread stops because source and replica have equal MySQL server ids;", None),
    (
        13117,
        "Fatal error: The replica I/O thread stops because source and replica have equal MySQL server UUIDs;",
        None,
    ),
    (1593, "Fatal error: The slave I/O thread stops because master and slave have equal MariaDB server ids;", None),
    (
        13117,
        "The replication receiver thread cannot start because the source has GTID_MODE = OFF_PERMISSIVE and this "
        "server has GTID_MODE = ON.",
        "gtid_modes",
    ),
    (1593, "Fatal error: master does not support it", "incompatible"),
    (13114, FATAL + "'Could not find first log file name in binary log index file'", "log_missing"),
    (13114, FATAL + "'Client requested source to start replication from position > file size'", "beyond_log"),
    (1236, OLD + "'Client requested master to start replication from impossible position; the first'", "beyond_log"),
    (13114, FATAL + f"'{EVENT}'", "not_an_event"),
    (13125, "Got a packet bigger than 'replica_max_allowed_packet' bytes", "packet_of_replica"),
    (1153, "Got a packet bigger than 'slave_max_allowed_packet' bytes", "packet_of_replica"),
    (1236, OLD + "'Binary log is not open'", "no_binary_log"),
    (13114, FATAL + "'bogus data in log event; the first event'", "log_unreadable"),
    (2026, "error connecting to source: SSL connection error: certificate verify failed", "tls"),
    (2061, "error connecting to source: Authentication requires secure connection.", "public_key"),
    (2003, "error connecting to source", ""),
    (0, "", ""),
]


@pytest.mark.parametrize(("errno", "error", "problem"), CASES)
def test_each_text_has_its_own_problem(errno, error, problem):
    wanted = "same_id_as_source" if problem is None else problem
    assert receiver_problem(errno, error, auto_position=False) == wanted


def test_with_gtids_there_is_no_wrong_position():
    assert receiver_problem(13114, FATAL + f"'{EVENT}'", auto_position=True) == "packet_of_source"


def test_no_such_error_counts_as_one_that_passes_and_each_says_what_to_do_instead():
    found = {receiver_problem(errno, error, auto_position=auto) for errno, error, _ in CASES for auto in (True, False)}
    assert found - {""} == set(INSTEAD)
    assert not {errno for errno, error, problem in CASES if problem != ""} & RETRYABLE
