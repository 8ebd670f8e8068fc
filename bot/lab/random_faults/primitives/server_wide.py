"""Faults of a whole server: settings, load, and numbers that run out."""

from __future__ import annotations

from contextlib import suppress
from random import Random

import pymysql

from bot.lab.random_faults.bench_users import MAX_CONNECTIONS
from bot.lab.random_faults.primitives.primitive import REPLICATION, WHOLE_SERVER, Primitive, Values
from bot.lab.random_faults.primitives.replicas import Replica
from bot.lab.random_faults.scenario import ANY, Part
from bot.lab.random_faults.stage import Client, Stage
from bot.lab.random_faults.truth import Remedy, Truth

FOREVER = 900
MANY = 10
"""Running sessions from which the alert about them fires; see LABELS."""
READ_ONLY = frozenset({"read_only"})


def _ids(clients: list[Client]) -> frozenset[str]:
    return frozenset(str(each.thread_id) for each in clients)


def _can_write(stage: Stage, on: str) -> bool:
    with suppress(pymysql.err.MySQLError, OSError):
        stage.open(on, "app", "UPDATE heartbeat SET beats = beats WHERE id = 1")
        return True
    return False


def _can_connect(stage: Stage, on: str) -> bool:
    with suppress(pymysql.err.MySQLError, OSError):
        stage.open(on, "app", "SELECT 1")
        return True
    return False


def _set_read_only(stage: Stage, on: str, to: str) -> list[str]:
    mysql = stage.state.instance(on).flavour == "mysql"
    names = ("super_read_only", "read_only") if mysql else ("read_only",)
    statements = [f"SET GLOBAL {name} = {to}" for name in (names if to == "OFF" else reversed(names))]
    stage.admin(on, *statements)
    return statements


def _writable_replica(stage: Stage, part: Part) -> Truth:
    stage.finally_(lambda: _set_read_only(stage, part.on, "ON"))
    _set_read_only(stage, part.on, "OFF")
    return Truth(
        primitive="writable_replica",
        instance=part.on,
        symptoms=READ_ONLY,
        causes=("mysql/read-only:writable_replica",),
        remedies=(Remedy("mysql.set_read_only"),),
        offers=READ_ONLY,
        good=lambda: not _can_write(stage, part.on),
    )


def _read_only_primary(stage: Stage, part: Part) -> Truth:
    stage.finally_(lambda: _set_read_only(stage, part.on, "OFF"))
    _set_read_only(stage, part.on, "ON")
    return Truth(
        primitive="read_only_primary",
        instance=part.on,
        symptoms=READ_ONLY,
        causes=("mysql/read-only:no_primary_writable",),
    )


def _connections_full(stage: Stage, part: Part) -> Truth:
    held = [stage.open(part.on, "app") for _ in range(part.number("sessions", 30))]
    connected = int(
        stage.admin(part.on, "SELECT COUNT(*) AS n FROM information_schema.PROCESSLIST WHERE USER <> 'admin'")[0]["n"]
    )
    stage.after(part.on, f"SET GLOBAL max_connections = {MAX_CONNECTIONS}")
    stage.admin(part.on, f"SET GLOBAL max_connections = {max(10, connected - 3)}")

    def unhurt() -> str:
        gone = [each for each in held if not stage.is_alive(part.on, each)]
        return f"session {gone[0].thread_id} of the application was killed" if gone else ""

    return Truth(
        primitive="connections_full",
        instance=part.on,
        symptoms=frozenset({"connections", ANY}),
        causes=(
            "mysql/connections-exhausted:idle_sessions_of_one_user",
            "mysql/connections-exhausted:limit_too_low",
            "mysql/first-look:connections_full",
        ),
        remedies=(Remedy("mysql.set_variable", {"name": frozenset({"max_connections"})}),),
        offers=frozenset({"connections"}),
        good=lambda: _can_connect(stage, part.on),
        unhurt=unhurt,
    )


def _long_statement(stage: Stage, part: Part) -> Truth:
    root = stage.run(part.on, "reports", f"SELECT beats, SLEEP({FOREVER}) AS report FROM heartbeat")
    stage.await_statements(part.on, [root])
    kill = {"thread_id": _ids([root])}
    return Truth(
        primitive="long_statement",
        instance=part.on,
        symptoms=frozenset({"long_query", "slow"}),
        names=(f"ession {root.thread_id} of",),
        causes=("mysql/slow-queries:one_runs_on",),
        remedies=(Remedy("mysql.kill_query", kill), Remedy("mysql.kill_connection", kill)),
        offers=frozenset({"long_query"}),
        good=lambda: bool(root.error) or root.done,
        age=3.0,
    )


def _storm(stage: Stage, part: Part) -> Truth:
    statement = f"SELECT beats, SLEEP({FOREVER}) AS popular FROM heartbeat WHERE id = 1"
    storm = [stage.run(part.on, "app", statement) for _ in range(part.number("sessions", 25))]
    stage.await_statements(part.on, storm)
    return Truth(
        primitive="statement_storm",
        instance=part.on,
        symptoms=frozenset({"threads"}),
        causes=("mysql/threads-running:one_shape",),
        remedies=(Remedy("mysql.kill_statements", {"thread_ids": _ids(storm)}),),
        offers=frozenset({"threads"}),
        good=lambda: sum(not each.error and not each.done for each in storm) < MANY,
        age=2.0,
    )


def _long_transaction(stage: Stage, part: Part) -> Truth:
    root = stage.open(
        part.on, "reports", "START TRANSACTION WITH CONSISTENT SNAPSHOT", "SELECT COUNT(*) FROM heartbeat"
    )
    return Truth(
        primitive="long_transaction",
        instance=part.on,
        symptoms=frozenset({"long_transaction"}),
        names=(f"ession {root.thread_id} of",),
        remedies=(Remedy("mysql.kill_connection", {"thread_id": _ids([root])}),),
        offers=frozenset({"long_transaction"}),
        good=lambda: not stage.is_alive(part.on, root),
        age=2.5,
    )


def _auto_increment(stage: Stage, part: Part) -> Truth:
    stage.tables += 1
    table = f"numbers_{stage.tables}"
    stage.after(part.on, f"DROP TABLE IF EXISTS shop.{table}")
    stage.admin(
        part.on,
        f"DROP TABLE IF EXISTS shop.{table}",
        f"CREATE TABLE shop.{table} (id TINYINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, n INT)",
        f"INSERT INTO shop.{table} VALUES ({part.number('used', 250)}, 1)",
        f"INSERT INTO shop.{table} (n) VALUES (2)",
    )
    return Truth(
        primitive="auto_increment",
        instance=part.on,
        symptoms=frozenset({"auto_increment"}),
        named=("mysql/auto-increment:nearly_exhausted", "mysql/auto-increment:exhausted"),
        must_name=table,
    )


def _binary_logs(stage: Stage, part: Part) -> Truth:
    for _ in range(6):
        stage.admin(part.on, "FLUSH BINARY LOGS")
    before = len(stage.admin(part.on, "SHOW BINARY LOGS"))
    return Truth(
        primitive="binary_logs",
        instance=part.on,
        symptoms=frozenset({"binary_logs"}),
        causes=("mysql/binary-logs:never_expire", "mysql/binary-logs:kept_long"),
        remedies=(Remedy("mysql.purge_binary_logs"),),
        offers=frozenset({"binary_logs"}),
        good=lambda: len(stage.admin(part.on, "SHOW BINARY LOGS")) < before,
        age=1.0,
    )


def _needed_logs(stage: Stage, part: Part) -> Truth:
    stopped = next(each.name for each in stage.state.instances if each.source == part.on)
    replica = Replica(stage, stopped)
    stage.finally_(replica.start)
    replica.do("STOP REPLICA")
    for _ in range(6):
        stage.admin(part.on, "FLUSH BINARY LOGS")
    return Truth(
        primitive="binary_logs_needed",
        instance=part.on,
        symptoms=frozenset({"binary_logs"}),
        causes=("mysql/binary-logs:replica_needs_them",),
        age=1.0,
    )


def _sessions(random: Random) -> Values:
    return {"sessions": random.randint(25, 60)}


def primitives() -> tuple[Primitive, ...]:
    """Returns the primitives of this module."""
    whole, replication = frozenset({WHOLE_SERVER}), frozenset({REPLICATION})
    return (
        Primitive("writable_replica", "replica", READ_ONLY, _writable_replica, claims=replication),
        Primitive("read_only_primary", "primary", READ_ONLY, _read_only_primary, claims=whole, last=True),
        Primitive(
            "connections_full",
            "primary",
            frozenset({"connections", ANY}),
            _connections_full,
            _sessions,
            claims=frozenset({"connections"}),
            last=True,
        ),
        Primitive("long_statement", "primary", frozenset({"long_query", "slow"}), _long_statement, claims=whole),
        Primitive("statement_storm", "primary", frozenset({"threads"}), _storm, _sessions, claims=whole),
        Primitive("long_transaction", "primary", frozenset({"long_transaction"}), _long_transaction, claims=whole),
        Primitive(
            "auto_increment",
            "primary",
            frozenset({"auto_increment"}),
            _auto_increment,
            lambda random: {"used": random.randint(215, 252)},
            weight=0.5,
        ),
        Primitive("binary_logs", "primary", frozenset({"binary_logs"}), _binary_logs, alone=True),
        Primitive("binary_logs_needed", "primary", frozenset({"binary_logs"}), _needed_logs, alone=True, weight=0.5),
    )
