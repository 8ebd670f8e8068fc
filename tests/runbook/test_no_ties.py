"""No name that an alert about MySQL is likely to have is answered by two runbooks equally well."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.alerts import Alert, AlertStatus
from bot.runbook.library.load_runbooks import load_folders, shipped_folder
from bot.runbook.matching.match import Tie, choose

LIBRARY = load_folders([shipped_folder()])
SUBJECTS = (
    "AbortedClients",
    "AbortedConnects",
    "AccessDenied",
    "AutoIncrement",
    "BinaryLog",
    "Binlog",
    "BufferPool",
    "ConfigurationDrift",
    "ConnectionErrors",
    "Connections",
    "Deadlocks",
    "DiskSpace",
    "ErrantGTID",
    "HistoryList",
    "HostBlocked",
    "InnoDBLogWaits",
    "LoginFailures",
    "LongRunningQuery",
    "LongTransaction",
    "MaxConnections",
    "MetadataLock",
    "PreparedTransactions",
    "ReadOnly",
    "ReplicaLag",
    "Replication",
    "RowLock",
    "SchemaChange",
    "SchemaDrift",
    "SemiSync",
    "SlaveIOThread",
    "SlaveSQLThread",
    "SlowQueries",
    "TemporaryTables",
    "ThreadsConnected",
    "ThreadsRunning",
    "Uptime",
)
STATES = (
    "",
    "Blocked",
    "Down",
    "Errors",
    "ErrorsHigh",
    "Exhausted",
    "Failed",
    "High",
    "NotRunning",
    "Saturation",
    "Slow",
    "Timeouts",
    "Waits",
)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_one_runbook_answers_each_name(subject: str):
    names = [f"MySQL{subject}{state}" for state in STATES] + [f"MysqlHigh{subject}", f"MariaDBTooMany{subject}"]
    found = {
        name: choose(LIBRARY.runbooks, Alert({"alertname": name}, AlertStatus.FIRING, datetime(2026, 1, 1, tzinfo=UTC)))
        for name in names
    }
    assert {name: each.names for name, each in found.items() if isinstance(each, Tie)} == {}


@pytest.mark.parametrize(
    ("name", "runbook"),
    [
        ("MySQLConnectionErrorsHigh", "mysql/access-denied"),
        ("MySQLConnectionErrorsMaxConnections", "mysql/connections-exhausted"),
        ("MySQLConnectionSaturation", "mysql/connections-exhausted"),
        ("MySQLHighHostBlocked", "mysql/access-denied"),
        ("MySQLLongRunningQueryBlocked", "mysql/blocked-writes"),
        ("MySQLThreadsRunningFailed", "mysql/threads-running"),
        ("MySQLSchemaDrift", "mysql/data-drift"),
        ("MySQLChecksumDrift", "mysql/data-drift"),
        ("PtTableChecksumDiffs", "mysql/data-drift"),
        ("MySQLDrift", "mysql/configuration-drift"),
        ("MySQLSaturation", "mysql/threads-running"),
        ("MySQLSqlThreadStopped", "mysql/replication-stopped"),
    ],
)
def test_the_more_particular_runbook_answers(name: str, runbook: str):
    chosen = choose(LIBRARY.runbooks, Alert({"alertname": name}, AlertStatus.FIRING, datetime(2026, 1, 1, tzinfo=UTC)))
    assert chosen is not None
    assert not isinstance(chosen, Tie)
    assert chosen.runbook.runbook == runbook
