"""A diagnostic cannot write: every statement that a real server got from the reader is looked at in its general log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from actions import catalog
from actions.contract import MySQL, Unreadable
from actions.diagnostics.mysql.configuration import configuration
from actions.diagnostics.mysql.gtid_sets import gtid_sets
from actions.vitess_contract import Vitess
from bot.fleet.server_identity import identity
from bot.lab.connections import administrator, ask
from bot.lab.lab_state import LabInstance, LabState
from bot.runbook.language.signatures import of_diagnostic
from tests.actions.hands import reader
from tests.actions.vitess_hands import SHARDS, Hands

PARAMETERS: dict[str, dict[str, Any]] = {
    "mysql.table_definition": {"schema": "shop", "table": "notes"},
    "mysql.table_differences": {"schema": "shop", "table": "notes", "members": ()},
    "mysql.global_variables": {"names": ("max_connections", "read_only")},
    "mysql.long_queries": {"older_than": 0.0},
    "mysql.long_transactions": {"older_than": 0.0},
}
"""What a diagnostic is asked with; the others need nothing."""
FLEET = ["orders-1", "orders-2", "orders-3", "billing-1", "billing-2", "billing-3"]
FAULTS = {
    "orders-1": ["row_locks", "metadata_locks"],
    "orders-2": ["replication_lag"],
    "orders-3": ["replication_stopped"],
    "billing-1": ["row_locks", "metadata_locks"],
    "billing-2": ["replication_lag"],
    "billing-3": [],
}
"""What is broken on each server, so that a diagnostic asks all that it ever does."""

SETTINGS = (
    r"lock_wait_timeout|innodb_lock_wait_timeout|sql_select_limit|max_execution_time|max_statement_time"
    r"|transaction_read_only|tx_read_only|transaction_isolation|tx_isolation|autocommit|time_zone|sql_mode|sql_big_selects"
    r"|information_schema_stats_expiry|character_set_client|character_set_connection|character_set_results"
)
VALUE = r"(?:[\d.]+|'[\w-]*'|utf8mb4)"
ALLOWED = (
    r"SELECT\b.*",
    r"SHOW\b.*",
    r"XA RECOVER (?:CONVERT XID|FORMAT='')",
    r"EXPLAIN (?:FORMAT=TRADITIONAL )?FOR CONNECTION \d+",
    rf"SET SESSION (?:{SETTINGS}) ?= ?{VALUE}(?:, (?:{SETTINGS}) ?= ?{VALUE})*",
    r"SET AUTOCOMMIT = 1",
    r"SET NAMES utf8mb4",
    r"START TRANSACTION READ ONLY",
    r"COMMIT",
    r"ROLLBACK",
)
FORBIDDEN = (
    r"\bINTO\b|\bFOR\s+(?:UPDATE|SHARE)\b|\bLOCK\s+IN\b|/\*|--|#|;|:="
    r"|\b(?:GET_LOCK|RELEASE_LOCK|RELEASE_ALL_LOCKS|SLEEP|BENCHMARK|LOAD_FILE|MASTER_POS_WAIT|SOURCE_POS_WAIT"
    r"|WAIT_FOR_EXECUTED_GTID_SET|MASTER_GTID_WAIT|NEXTVAL|SETVAL|LASTVAL|SET_CONFIG|UPDATEXML)\s*\("
    r"|\bNEXT\s+VALUE\b|\bPROCEDURE\b"
)
_STRING = re.compile(r"'(?:[^'\\]|\\.|'')*'", re.DOTALL)


def writes(statement: str) -> bool:
    """Whether a statement is anything but a plain look or a setting of the session's own bounds."""
    bare = " ".join(_STRING.sub("''", statement).split())
    if not any(re.fullmatch(each, bare, re.IGNORECASE) for each in ALLOWED):
        return True
    return re.search(FORBIDDEN, bare, re.IGNORECASE) is not None


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO t VALUES (1)",
        "UPDATE t SET a = 1",
        "REPLACE INTO t VALUES (1)",
        "WITH x AS (SELECT 1) DELETE FROM t",
        "KILL 4",
        "KILL QUERY 4",
        "SET GLOBAL max_connections = 1",
        "SET SESSION sql_log_bin = 0",
        "SET SESSION lock_wait_timeout=2, sql_log_bin=0",
        "SET @a = 1",
        "FLUSH TABLES",
        "ANALYZE TABLE t",
        "CALL p()",
        "DO SLEEP(1)",
        "STOP REPLICA",
        "CHANGE REPLICATION SOURCE TO SOURCE_DELAY = 1",
        "START TRANSACTION",
        "BEGIN",
        "LOCK TABLES t READ",
        "SELECT * FROM t FOR UPDATE",
        "SELECT * FROM t FOR  SHARE",
        "SELECT * FROM t LOCK IN SHARE MODE",
        "SELECT 1 INTO @a",
        "SELECT * FROM t INTO OUTFILE '/tmp/x'",
        "SELECT GET_LOCK('a', 1)",
        "SELECT sleep (1)",
        "SELECT @a := 1",
        "SELECT 1; DELETE FROM t",
        "SELECT /*! SQL_NO_CACHE */ 1",
        "SELECT NEXT VALUE FOR s",
        "",
    ],
)
def test_what_writes_waits_or_locks_is_found(statement):
    assert writes(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1",
        "  select 'DELETE; INTO /* x */ it''s' AS a",
        "SHOW REPLICA STATUS",
        "SET AUTOCOMMIT = 1",
        "SET SESSION lock_wait_timeout=2, time_zone='SYSTEM', max_statement_time=2, tx_read_only=1",
        "START TRANSACTION READ ONLY",
        "ROLLBACK",
    ],
)
def test_what_only_looks_is_let_pass(statement):
    assert not writes(statement)


@contextmanager
def general_log(instance: LabInstance) -> Iterator[None]:
    """Keeps the server's general log in its table, and afterwards as it was kept before."""
    with administrator(instance) as admin:
        before = ask(admin, "SELECT @@GLOBAL.log_output AS output, @@GLOBAL.general_log AS log")[0]
        ask(admin, "SET GLOBAL log_output = 'TABLE'")
        ask(admin, "SET GLOBAL general_log = ON")
    try:
        yield
    finally:
        with administrator(instance) as admin:
            ask(admin, "SET GLOBAL general_log = %s", (before["log"],))
            ask(admin, "SET GLOBAL log_output = %s", (before["output"],))


def logged(instance: LabInstance, thread_id: int) -> list[dict[str, Any]]:
    """What the server got on one connection, in its own words."""
    with administrator(instance) as admin:
        return ask(
            admin,
            "SELECT command_type AS kind, user_host, CONVERT(argument USING utf8mb4) AS argument "
            "FROM mysql.general_log WHERE thread_id = %s",
            (thread_id,),
        )


@pytest.mark.lab
@pytest.mark.parametrize("name", FLEET)
def test_no_diagnostic_writes_anything_on_a_server_in_trouble(notes: LabState, broken, name: str):
    instance = notes.instance(name)
    for fault in FAULTS[name]:
        assert broken(fault, instance.flavour).name == name
    asked = [each for each, declared in catalog.DIAGNOSTICS.items() if declared.reader is MySQL]
    with general_log(instance):
        with reader(notes, instance) as db:
            thread_id = db.rows("SELECT CONNECTION_ID() AS id")[0]["id"]
            identity(db)
            of_others = {"replicas": (gtid_sets(db),), "members": (configuration(db),), "thread_id": thread_id}
            for each in asked:
                taken = of_diagnostic(each).required
                given = {
                    **{name: value for name, value in of_others.items() if name in taken},
                    **PARAMETERS.get(each, {}),
                }
                with suppress(Unreadable):  # a plan of MySQL's takes SELECT on the tables, which the reader has not
                    catalog.DIAGNOSTICS[each](db, **given)
        rows = logged(instance, thread_id)
    assert {row["kind"] for row in rows} <= {"Connect", "Query", "Quit"}
    statements = [str(row["argument"]) for row in rows if row["kind"] == "Query"]
    assert len(statements) > len(asked)
    assert all("firstmate_reader" in row["user_host"] for row in rows)
    assert [each for each in statements if writes(each)] == []
    settings = [each for each in statements if each.startswith("SET SESSION")]
    assert len(settings) == 1
    assert "read_only=1" in settings[0]
    assert any(each.startswith("EXPLAIN") for each in statements)
    assert any(each.startswith("XA RECOVER") for each in statements)
    # The costly statement, and what follows it, were among them.
    if name not in ("orders-3", "billing-3"):
        waits = "information_schema.INNODB_LOCK_WAITS" if instance.flavour == "mariadb" else "data_lock_waits"
        assert any(waits in each for each in statements)


@pytest.mark.lab
def test_the_whole_fleet_is_looked_at_in_trouble(lab: LabState):
    assert [instance.name for instance in lab.instances] == FLEET
    assert set(FAULTS) == set(FLEET)


@pytest.mark.vitess
def test_no_diagnostic_of_vitess_changes_anything(vitess_lab: LabState):
    hands = Hands(vitess_lab)
    asked = [each for each, declared in catalog.DIAGNOSTICS.items() if declared.reader is Vitess]
    instance = vitess_lab.instance(hands.primary())
    before = records(hands)
    with general_log(instance):
        for each in asked:
            if not of_diagnostic(each).required:
                with suppress(Unreadable):
                    hands.ask(catalog.DIAGNOSTICS[each])
        with administrator(instance) as admin:
            rows = ask(
                admin,
                "SELECT command_type AS kind, CONVERT(argument USING utf8mb4) AS argument FROM mysql.general_log "
                "WHERE user_host LIKE '%%firstmate_reader%%'",
            )
    assert records(hands) == before
    hands.close()
    statements = [str(row["argument"]) for row in rows if row["kind"] == "Query"]
    assert any("GTID_SUBTRACT" in each for each in statements)
    assert [each for each in statements if writes(each)] == []


def records(hands: Hands) -> list[Any]:
    """What the topology holds of the keyspace."""
    shards = [hands.call("GetShard", keyspace="commerce", shard_name=each) for each in SHARDS]
    of_all = [hands.call(each, keyspace="commerce") for each in ("GetKeyspace", "GetTablets", "GetSrvKeyspaces")]
    return [*shards, *of_all, hands.call("GetVSchema", keyspace="commerce")]
