"""The statements that an action sends, heard by asking the action itself with a reader that only listens. Pure.

What an action asks of Vitess is what it needs there, and what it changes is read from the calls in its own code.

The reader answers each action several times over: with nothing, and with rows in which every column has a value that
passes for whatever the action makes of it. So the questions of the easy way and those behind it are both heard. A test
holds that every question and every statement in the code of the actions is among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin

from actions.catalog import DIAGNOSTICS, REMEDIATIONS
from actions.contract import Endpoint, Flavour, NoUndo, ProxySQL, Refused, Remediation, Row, ServerVersion, Unreadable
from actions.diagnostics.mysql.configuration import Configuration
from actions.diagnostics.mysql.gtid_sets import GtidSets
from actions.diagnostics.mysql.replica_status import WAITED_IN_VAIN
from actions.vitess_contract import Vitess
from bot.runbook.expressions.value_types import BaseType, value_type_of
from bot.runbook.language.signatures import bare, of_diagnostic, of_remediation
from bot.runbook.reference import vitess_calls

VERSIONS = (
    ServerVersion(Flavour.MYSQL, (5, 7, 44)),
    ServerVersion(Flavour.MYSQL, (8, 0, 36)),
    ServerVersion(Flavour.MYSQL, (8, 4, 0)),
    ServerVersion(Flavour.MYSQL, (9, 7, 0)),
    ServerVersion(Flavour.MARIADB, (10, 6, 0)),
    ServerVersion(Flavour.MARIADB, (10, 11, 0)),
    ServerVersion(Flavour.MARIADB, (11, 8, 0)),
)
"""The servers that are told of: what differs between two of them is shown."""
PROXIES = (ServerVersion(Flavour.PROXYSQL, (2, 7, 0)),)
"""What an action of proxies is asked for instead."""
CLUSTERS = (ServerVersion(Flavour.VITESS, (24, 0, 0)),)
"""What an action of Vitess is for."""


@dataclass(frozen=True, slots=True)
class Example:
    """Parameters of a remediation, and columns of the server's answer, with which an action goes on."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, Any] = field(default_factory=dict)
    nothing: tuple[str, ...] = ()
    """Parts of questions to which the good answer is no row."""


_SESSION = {"user": "app", "state": "", "started": "2026-03-01 03:00:00", "modified": 0, "trx_state": "", "ours": 0}
_IN_IT = {"thread_id": 17, "user": "app"}
_BACKEND = {"hostgroup": "20", "srv_host": "db2", "srv_port": "3306", "status": "ONLINE", "hostname": "db2"}
_ASLEEP = {**_SESSION, "command": "Sleep", "info": "", "started": "", "since": 1772334000}
_RUNS = dict.fromkeys(("Replica_IO_Running", "Replica_SQL_Running", "Slave_IO_Running", "Slave_SQL_Running"), "Yes")


def _named(variable: str) -> dict[str, str]:
    """The row of a variable that is switched on."""
    return {"Variable_name": variable, "Value": "ON"}


EXAMPLES: Mapping[str, Example] = {
    "mysql.binary_logs": Example(columns={**_named("log_bin"), "File_size": "1"}),
    "mysql.configuration_differences": Example({"members": (Configuration("replica:3306"),)}),
    "mysql.errant_gtids": Example({"replicas": (GtidSets("replica:3306", "2", "0-2-1", enabled=True),)}),
    "mysql.kill_idle_sessions": Example({"user": "app", "thread_ids": (17,), "asleep_since": 1772334000}, _ASLEEP),
    "mysql.kill_statements": Example(
        {"statement": "SELECT ?", "thread_ids": (17,), "began_until": 1772334000},
        {**_SESSION, "command": "Query", "info": "SELECT 1", "since": 1772334000},
    ),
    "mysql.lock_waits": Example(columns={"waiter": 1, "blocker": 2, "id": 2}),
    "mysql.replica_status": Example(columns={**_RUNS, "Last_SQL_Errno": WAITED_IN_VAIN}),
    "mysql.set_read_only": Example(columns={**_RUNS, "Last_SQL_Errno": "0", "dumps": 1}),
    "mysql.statement_digests": Example(columns=_named("performance_schema")),
    "mysql.temporary_tables": Example(columns=_named("performance_schema")),
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
"""Where a placeholder for each parameter would not do, and what a diagnostic is given of other members."""
_PLACEHOLDERS: Mapping[BaseType, Any] = {
    BaseType.NUMBER: 1,
    BaseType.BOOLEAN: True,
    BaseType.TEXT: "x",
    BaseType.LIST: ["x"],
}
_ANSWERS: tuple[tuple[str | None, ...], ...] = ((), ("1",), ("Yes",), (None,))
"""Rows of one value each: none, a number, a word, an empty value."""
_LOST = (ValueError, TypeError, LookupError, ArithmeticError, Refused, NoUndo, Unreadable)
"""What an action says of rows that make no sense."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One statement, and the servers of VERSIONS, or the proxies of PROXIES, that it is for."""

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
class Listener:
    """Implements actions.contract.ProxySQL: hears what is asked, and answers so many rows of such a value."""

    version: ServerVersion
    answers: tuple[str | None, ...]
    columns: Mapping[str, Any] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)
    address: str = "server:3306"
    nothing: tuple[str, ...] = ()
    sees_configuration: bool = True

    def rows(self, sql: str, params: Sequence[object] = (), *, limit: int = 200, costly: bool = False) -> list[Row]:
        self.heard.append(sql.replace("%%", "%"))
        if any(part in sql for part in self.nothing):
            return []
        return [_AnyRow(value, self.columns, self.version) for value in self.answers]

    def pause(self, seconds: float) -> None:
        """Nobody waits for answers that are made up."""


def versions_of(name: str) -> tuple[ServerVersion, ...]:
    """The servers, or the proxies, that an action is asked for."""
    declared = _reader(name)
    return PROXIES if declared is ProxySQL else CLUSTERS if declared is Vitess else VERSIONS


def _reader(name: str) -> type:
    return DIAGNOSTICS[name].reader if name in DIAGNOSTICS else REMEDIATIONS[name].reader


def asked_by(name: str) -> list[Heard]:
    """What an action asks of a server, in order: a diagnostic as a whole, a remediation before and after its change."""
    if _reader(name) is Vitess:
        return [Heard(text, CLUSTERS) for text in vitess_calls.asked(name)]
    if name in DIAGNOSTICS:
        if DIAGNOSTICS[name].reader is Endpoint:
            return []
        given = EXAMPLES[name].parameters if name in EXAMPLES and EXAMPLES[name].parameters else _placeholders(name)
        return _each_server(name, lambda db: _questions(db, lambda: DIAGNOSTICS[name](db, **given)))

    return _each_server(name, lambda db: [text for made in _made(name) for text in _asked(made, db)])


def changed_by(name: str, *, back: bool = False) -> list[Heard]:
    """The statements of a remediation's change, or, with `back`, of its undo; parameters are placeholders."""
    if _reader(name) is Vitess:
        return [Heard(text, CLUSTERS) for text in vitess_calls.changed(name, back=back)]
    return _each_server(name, lambda db: [text for made in _made(name) for text in _statements(made, db, back)])


def _each_server(name: str, listen: Callable[[Listener], Iterable[str]]) -> list[Heard]:
    found: dict[str, list[ServerVersion]] = {}
    example = EXAMPLES.get(name, Example())
    for version in versions_of(name):
        for answers in _ANSWERS:
            for text in listen(Listener(version, answers, example.columns, nothing=example.nothing)):
                versions = found.setdefault(" ".join(text.split()), [])
                if version not in versions:
                    versions.append(version)
    return [Heard(text, tuple(versions)) for text, versions in found.items()]


def _asked(made: Remediation, db: Listener) -> list[str]:
    for ask in (lambda: made.check(db), lambda: list(made.change(db)), lambda: list(made.undo(db))):
        _questions(db, ask)
    return _questions(db, lambda: made.verify(db))


def _questions(db: Listener, ask: Callable[[], object]) -> list[str]:
    """What is asked until the action cannot go on with the answers of a listener."""
    try:
        ask()
    except _LOST:
        return db.heard
    return db.heard


def _statements(made: Remediation, db: Listener, back: bool) -> list[str]:
    found: list[str] = []
    _questions(db, lambda: found.extend(str(each) for each in (made.undo(db) if back else made.change(db))))
    return found


def _made(name: str) -> list[Remediation]:
    """The remediation with its example or placeholders, once for each word of a closed set."""
    signature = of_remediation(name)
    given = dict(EXAMPLES[name].parameters) if name in EXAMPLES else _placeholders(name)
    words = {n: get_args(bare(k)) for n, k in signature.parameters.items() if get_origin(bare(k)) is Literal}
    if not words:
        return [REMEDIATIONS[name](**given)]
    return [REMEDIATIONS[name](**{**given, key: word}) for key, each in words.items() for word in each]


def _placeholders(name: str) -> dict[str, Any]:
    signature = of_diagnostic(name) if name in DIAGNOSTICS else of_remediation(name)
    return {each: _PLACEHOLDERS[value_type_of(signature.parameters[each]).base] for each in sorted(signature.required)}
