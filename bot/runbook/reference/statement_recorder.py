"""Records the statements that an action sends by running it with a fake reader. Pure.

Each action runs several times: with empty results, and with rows in which every column has a value that the action
accepts. This records the statements of both the short and the long code paths. A test verifies that every statement in
the code of the actions is recorded. For actions on Vitess, `vitess_calls` derives the calls from the code instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Literal, TypeVar, get_args, get_origin

from actions.catalog import DIAGNOSTICS, REMEDIATIONS
from actions.contract import Flavour, MySQL, NoUndo, ProxySQL, Refused, Remediation, Row, ServerVersion, Unreadable
from actions.diagnostics.mysql.configuration import Configuration
from actions.diagnostics.mysql.gtid_sets import GtidSets
from actions.diagnostics.mysql.replica_status import WAITED_IN_VAIN
from actions.diagnostics.mysql.table_definition import TableDefinition
from actions.endpoint_contract import Endpoint
from actions.row_lock_queues import MOST_EDGES
from actions.shard_contract import MemberAnswer, ShardMembers
from actions.vitess_contract import Vitess
from bot.runbook.expressions.value_types import BaseType, value_type_of
from bot.runbook.language.signatures import bare, of_diagnostic, of_remediation
from bot.runbook.reference import vitess_calls

T = TypeVar("T")

VERSIONS = (
    ServerVersion(Flavour.MYSQL, (5, 7, 44)),
    ServerVersion(Flavour.MYSQL, (8, 0, 36)),
    ServerVersion(Flavour.MYSQL, (8, 4, 0)),
    ServerVersion(Flavour.MYSQL, (9, 7, 0)),
    ServerVersion(Flavour.MARIADB, (10, 6, 0)),
    ServerVersion(Flavour.MARIADB, (10, 11, 0)),
    ServerVersion(Flavour.MARIADB, (11, 8, 0)),
)
"""The servers for which statements are recorded; the documentation shows where they differ."""
PROXIES = (ServerVersion(Flavour.PROXYSQL, (2, 7, 0)),)
"""The servers for actions on ProxySQL."""
CLUSTERS = (ServerVersion(Flavour.VITESS, (24, 0, 0)),)
"""The servers for actions on Vitess."""


@dataclass(frozen=True, slots=True)
class Example:
    """Parameters of an action, and columns of the server's results, with which the action runs to its end."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, Any] = field(default_factory=dict)
    no_rows: tuple[str, ...] = ()
    """Parts of statements that must return no row."""
    further: tuple[Mapping[str, Any], ...] = ()
    """Columns with which the action takes other ways, beside `columns`."""


_SESSION = {"user": "app", "state": "", "started": "2026-03-01 03:00:00", "modified": 0, "trx_state": "", "ours": 0}
_IN_IT = {"thread_id": 17, "user": "app"}
_BACKEND = {"hostgroup": "20", "srv_host": "db2", "srv_port": "3306", "status": "ONLINE", "hostname": "db2"}
_ASLEEP = {**_SESSION, "command": "Sleep", "info": "", "started": "", "since": 1772334000}
_RUNS = dict.fromkeys(("Replica_IO_Running", "Replica_SQL_Running", "Slave_IO_Running", "Slave_SQL_Running"), "Yes")

_WAITS = {
    **_SESSION, "waiter": 1, "holders": "2", "trx": 1, "session": 2, "id": 2, "holder": 2, "waiting": 1, "Value": "1",
    "longest": 9, "locked": 1, "state": "User lock", "object_type": "TABLE", "lock_type": "EXCLUSIVE", "lock_mode": "X",
    "command": "Sleep", "info": "", "since": 1772334000, "age": 1, "time": 1, "appliers": 0, "sessions": 1,
}  # fmt: skip
_DEFAULT_CHANNEL = {"Channel_Name": "", "Connection_name": ""}
_STANDS = {"Replica_SQL_Running": "No", "Slave_SQL_Running": "No", **_DEFAULT_CHANNEL}


def _named(variable: str) -> dict[str, str]:
    """Returns the row of a variable with the value ON."""
    return {"Variable_name": variable, "Value": "ON"}


EXAMPLES: Mapping[str, Example] = {
    "mysql.access_errors": Example(columns={"errno": 1045, "raised": 1, "age": 1, "user": "app", "host": "app1"}),
    "mysql.auto_increment": Example(
        columns={
            "performance_schema": "ON",
            "db": "app",
            "name": "orders",
            "col": "id",
            "type": "tinyint",
            "next": 127,
        },
    ),
    "mysql.binary_logs": Example(columns={**_named("log_bin"), "File_size": "1"}),
    "mysql.configuration_differences": Example({"members": (Configuration("replica:3306"),)}),
    "mysql.errant_gtids": Example({"replicas": (GtidSets("replica:3306", "2", "0-2-1", enabled=True),)}),
    "mysql.kill_idle_sessions": Example({"user": "app", "thread_ids": (17,), "asleep_since": 1772334000}, _ASLEEP),
    "mysql.kill_statements": Example(
        {"statement": "SELECT ?", "thread_ids": (17,), "began_until": 1772334000},
        {**_SESSION, "command": "Query", "info": "SELECT 1", "since": 1772334000},
    ),
    "mysql.wait_graph": Example(
        columns=_WAITS,
        further=(
            {**_WAITS, "waiter": 0, "holders": "0"},
            {**_WAITS, "waiting": 0, "lock_type": "SHARED", "state": "Waiting for table metadata lock"},
            {**_WAITS, "waiting": MOST_EDGES + 1, "state": "updating"},
            {**_WAITS, "holders": "0", "waits": 0, "state": "updating"},
            {**_WAITS, "waiting": 0, "Value": "0", "state": "Waiting for table flush"},
        ),
    ),
    "mysql.replica_status": Example(columns={**_RUNS, "Last_SQL_Errno": WAITED_IN_VAIN}),
    "mysql.server_kind": Example(columns=_named("group_replication_group_name")),
    "mysql.set_read_only": Example(columns={**_RUNS, "Last_SQL_Errno": "0", "dumps": 1}),
    "mysql.skip_transaction": Example(
        {"errno": 1062},
        {**_STANDS, "Last_SQL_Errno": 1062, "error": "", "applying": "3e11fa47-71ca-11e1-9e33-c80aa9429562:23"},
    ),
    "mysql.start_replica": Example(columns={**_STANDS, "Last_SQL_Errno": 1205}),
    "mysql.stop_replica": Example(columns={**_RUNS, **_DEFAULT_CHANNEL}),
    "mysql.shard_roles": Example(columns=_named("group_replication_group_name")),
    "mysql.statement_digests": Example(columns=_named("performance_schema")),
    "mysql.temporary_tables": Example(columns=_named("performance_schema")),
    "mysql.table_differences": Example(
        {"schema": "app", "table": "orders", "members": (TableDefinition("replica:3306", "app.orders", exists=True),)}
    ),
    "mysql.set_variable": Example({"name": "max_connections", "value": 200}, {"Value": "100"}),
    "mysql.kill_connection": Example(
        {**_IN_IT, "transaction_started": "2026-03-01 03:00:00"}, {**_SESSION, "command": "Sleep", "info": ""}
    ),
    "mysql.kill_query": Example(
        {**_IN_IT, "statement": "SELECT ?", "command_since": 1772334000},
        {**_SESSION, "command": "Query", "info": "SELECT 1", "since": 1772334000},
    ),
    "proxysql.drain_server": Example(
        {"host": "db2", "port": 3306},
        {**_BACKEND, "name": "runtime_mysql_galera_hostgroups"},
        ("EXCEPT", "SELECT writer_hostgroup"),
    ),
}
"""Examples for actions that do not run to their end with a placeholder for each parameter."""
_PLACEHOLDERS: Mapping[BaseType, Any] = {
    BaseType.NUMBER: 1,
    BaseType.BOOLEAN: True,
    BaseType.TEXT: "x",
    BaseType.LIST: ["x"],
}
_ANSWERS: tuple[tuple[str | None, ...], ...] = ((), ("1",), ("Yes",), (None,))
"""The values of the returned rows: no row, a number, a word, NULL."""
_EXPECTED_ERRORS = (ValueError, TypeError, LookupError, ArithmeticError, Refused, NoUndo, Unreadable)
"""What an action raises for rows that make no sense."""


@dataclass(frozen=True, slots=True)
class RecordedStatement:
    """One statement, and the servers to which it is sent."""

    text: str
    versions: tuple[ServerVersion, ...]


class _AnyRow(dict[str, Any]):
    """A row that has every column."""

    def __init__(self, value: str | None, columns: Mapping[str, Any], version: ServerVersion) -> None:
        numbered = {"qid": 42 if version.is_mariadb else 0}
        super().__init__(**{**numbered, **columns})
        self._value = value

    def __missing__(self, key: str) -> Any:  # noqa: ANN401 - a row may hold anything
        return self._value

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - as dict has it
        return self[key]

    def __contains__(self, key: object) -> bool:
        return True


@dataclass
class RecordingReader:
    """Implements actions.contract.ProxySQL: records statements and returns rows in which every column has a value."""

    version: ServerVersion
    answers: tuple[str | None, ...]
    columns: Mapping[str, Any] = field(default_factory=dict)
    statements: list[str] = field(default_factory=list)
    address: str = "server:3306"
    no_rows: tuple[str, ...] = ()
    sees_configuration: bool = True

    def rows(self, sql: str, params: Sequence[object] = (), *, limit: int = 200, costly: bool = False) -> list[Row]:
        self.statements.append(sql.replace("%%", "%"))
        if any(part in sql for part in self.no_rows):
            return []
        return [_AnyRow(value, self.columns, self.version) for value in self.answers]

    def pause(self, seconds: float) -> None:
        """Does nothing: the results do not change over time."""


@dataclass(frozen=True)
class _OneMember:
    """Implements actions.shard_contract.ShardMembers: a shard of one server."""

    db: RecordingReader
    shard: str = "shard"

    def ask(self, question: Callable[[MySQL], T]) -> tuple[MemberAnswer[T], ...]:
        return (MemberAnswer("server", self.db.address, "primary", question(self.db)),)


def versions_of(name: str) -> tuple[ServerVersion, ...]:
    """Returns the servers for which an action's statements are recorded."""
    declared = _reader(name)
    return PROXIES if declared is ProxySQL else CLUSTERS if declared is Vitess else VERSIONS


def _reader(name: str) -> type:
    return DIAGNOSTICS[name].reader if name in DIAGNOSTICS else REMEDIATIONS[name].reader


def statements_read(name: str) -> list[RecordedStatement]:
    """Returns the statements with which an action reads, in order: for a remediation, before and after its change."""
    if _reader(name) is Vitess:
        return [RecordedStatement(text, CLUSTERS) for text in vitess_calls.calls_read(name)]
    if name in DIAGNOSTICS:
        if DIAGNOSTICS[name].reader is Endpoint:
            return []
        parameters = (
            EXAMPLES[name].parameters if name in EXAMPLES and EXAMPLES[name].parameters else _placeholders(name)
        )
        reads = DIAGNOSTICS[name].reader
        return _each_server(
            name,
            lambda db: _recorded(
                db, lambda: DIAGNOSTICS[name](_OneMember(db) if reads is ShardMembers else db, **parameters)
            ),
        )

    return _each_server(
        name,
        lambda db: [text for remediation in _instances(name) for text in _statements_of_remediation(remediation, db)],
    )


def statements_of_change(name: str, *, undo: bool = False) -> list[RecordedStatement]:
    """Returns the statements of a remediation's change, or of its undo with `undo`; parameters are placeholders."""
    if _reader(name) is Vitess:
        return [RecordedStatement(text, CLUSTERS) for text in vitess_calls.calls_of_change(name, undo=undo)]
    return _each_server(
        name, lambda db: [text for remediation in _instances(name) for text in _changes(remediation, db, undo)]
    )


def _each_server(name: str, record: Callable[[RecordingReader], Iterable[str]]) -> list[RecordedStatement]:
    found: dict[str, list[ServerVersion]] = {}
    example = EXAMPLES.get(name, Example())
    for version in versions_of(name):
        for answers, columns in product(_ANSWERS, (example.columns, *example.further)):
            for text in record(RecordingReader(version, answers, columns, no_rows=example.no_rows)):
                versions = found.setdefault(" ".join(text.split()), [])
                if version not in versions:
                    versions.append(version)
    return [RecordedStatement(text, tuple(versions)) for text, versions in found.items()]


def _statements_of_remediation(remediation: Remediation, db: RecordingReader) -> list[str]:
    for ask in (
        lambda: remediation.check(db),
        lambda: list(remediation.change(db)),
        lambda: list(remediation.undo(db)),
    ):
        _recorded(db, ask)
    return _recorded(db, lambda: remediation.verify(db))


def _recorded(db: RecordingReader, run: Callable[[], object]) -> list[str]:
    """Runs part of an action until it ends or fails, and returns the recorded statements."""
    try:
        run()
    except _EXPECTED_ERRORS:
        return db.statements
    return db.statements


def _changes(remediation: Remediation, db: RecordingReader, undo: bool) -> list[str]:
    found: list[str] = []
    _recorded(
        db, lambda: found.extend(str(each) for each in (remediation.undo(db) if undo else remediation.change(db)))
    )
    return found


def _instances(name: str) -> list[Remediation]:
    """Returns the remediation with its example or placeholders, once for each literal of a parameter."""
    signature = of_remediation(name)
    parameters = dict(EXAMPLES[name].parameters) if name in EXAMPLES else _placeholders(name)
    literals = {n: get_args(bare(k)) for n, k in signature.parameters.items() if get_origin(bare(k)) is Literal}
    if not literals:
        return [REMEDIATIONS[name](**parameters)]
    return [REMEDIATIONS[name](**{**parameters, key: literal}) for key, each in literals.items() for literal in each]


def _placeholders(name: str) -> dict[str, Any]:
    signature = of_diagnostic(name) if name in DIAGNOSTICS else of_remediation(name)
    return {each: _PLACEHOLDERS[value_type_of(signature.parameters[each]).base] for each in sorted(signature.required)}
