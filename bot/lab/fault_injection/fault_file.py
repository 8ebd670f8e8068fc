"""The schema of `fault.yml`, and the catalog of faults.

A fault is a folder in `bot/lab/fault_catalog/mysql` or `bot/lab/fault_catalog/vitess` with one `fault.yml`. It defines
the steps that break a real server, the check that shows the fault, the alert, the expected cause and remedy, and the
steps that clean up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, ValidationError, model_validator

from bot.errors import FirstmateError, RunbookError
from bot.runbook.language.positioned_document import read
from bot.runbook.language.schema_base import Line, Name, RunbookModel

FOLDER = Path(__file__).parents[1] / "fault_catalog" / "mysql"
VITESS_FOLDER = FOLDER.with_name("vitess")
FILE = "fault.yml"

Flavour: TypeAlias = Literal["mysql", "mariadb", "vitess"]
ClusterProgram: TypeAlias = Literal["mysqld", "vttablet", "vtorc", "vtgate", "vtctld", "etcd"]
"""A program of the Vitess cluster; the first two are those of the tablet that a step or a check refers to."""
User: TypeAlias = Literal["admin", "app", "deploy", "reports", "backup"]
Port: TypeAlias = Literal["open", "refused", "hangs"]
Statements: TypeAlias = Annotated[tuple[str, ...], Field(min_length=1, max_length=50)]


class Check(RunbookModel):
    """A check of one server: the result of a statement, a column of the replica status, or the state of its port.

    For a Vitess cluster also: the state of a tablet in vtgate, a problem that VTOrc detects, the answer of an RPC, or a
    program that is not running.
    """

    on: str = "target"
    """`target`, `primary`, `other_replica`, `other_primary` (of the other shard of the Vitess cluster), `vtgate`, or
    the name of an instance."""
    sql: str | None = None
    """A query; the value is the last column of its first row, 0 without rows."""
    replica: str | None = None
    """A column of SHOW REPLICA STATUS, with its name in MySQL 8.4."""
    port: Port | None = None
    prometheus: str | None = None
    """A PromQL expression: 1 with any series, otherwise 0."""
    binlogs: bool = False
    """The number of binary logs."""
    tablet: str | None = None
    """A type and state, such as DRAINED/SERVING: 1 while vtgate reports it for the tablet, otherwise 0."""
    serves: str | None = None
    """A type: 1 while a tablet of the shard serves with it, otherwise 0."""
    recoveries_disabled: bool = False
    """1 while VTOrc's recoveries are disabled, otherwise 0."""
    vtorc: str | None = None
    """A VTOrc analysis: 1 while VTOrc detects it for the tablet, otherwise 0."""
    rpc: str | None = None
    """A vtctld call, such as `GetShard {"keyspace": "$keyspace", "shard_name": "$shard"}`; `at` selects the value."""
    at: str = ""
    """The dotted path of a field in the answer; a missing field is the empty text."""
    gone: ClusterProgram | None = None
    """1 while this program of the cluster is not running, otherwise 0."""
    at_least: int = 1
    equals: str | None = Field(default=None, alias="is")
    """The exact value; without it the check passes for a number of `at_least` or more."""

    def __str__(self) -> str:
        return ", ".join(f"{name}: {value}" for name, value in self.model_dump(exclude_defaults=True).items())

    @model_validator(mode="after")
    def _has_one_kind(self) -> Check:
        servers = (self.sql, self.replica, self.port, self.prometheus)
        cluster = (self.tablet, self.serves, self.vtorc, self.rpc, self.gone)
        flags = self.binlogs + self.recoveries_disabled
        if sum(each is not None for each in (*servers, *cluster)) + flags != 1:
            raise ValueError("a check has exactly one of: sql, replica, port, prometheus, binlogs, tablet and so on")
        return self


class SavedValue(RunbookModel):
    """A value that is saved until the fault is fixed; later statements may use it as $NAME."""

    name: Name
    sql: str


class FaultStep(RunbookModel):
    """One step that breaks or cleans up; it has exactly one kind."""

    only: Flavour | None = None
    """Run the step on this flavour only."""
    on: str = "target"
    """`target`, `primary`, `replicas`, `other_replica`, `other_primary`, `vtgate`, or the name of an instance."""
    admin: Statements | None = None
    """Statements to run as administrator."""
    admin_unlogged: Statements | None = None
    """The same, outside of the binary log."""
    try_admin: Statements | None = None
    """The same, with errors ignored."""
    session: Statements | None = None
    """Statements of a session that then stays open and idle."""
    busy: Statements | None = None
    """Statements of a session in the background, one after the other."""
    forever: bool = False
    """With `busy`: repeat the statements for ever."""
    again: bool = False
    """With `busy`: reconnect and repeat after an error, as an application with retries does."""
    fill: bool = False
    """Open sessions until the server accepts no more."""
    close: Name | None = None
    """Close the sessions of this name."""
    process: Literal["kill", "stop", "continue", "start"] | None = None
    """SIGKILL, SIGSTOP or SIGCONT for the server's process, or a new process."""
    of: ClusterProgram = "mysqld"
    """With `process`: the program of the Vitess cluster."""
    rpc: Statements | None = None
    """vtctld calls; `$here` is the alias of the tablet that the step runs on."""
    try_rpc: Statements | None = None
    """The same, with errors ignored."""
    vtorc: str | None = None
    """A path of VTOrc's API to GET, such as /api/disable-global-recoveries."""
    env: Mapping[str, str] | None = None
    """Settings to change through the tablet's /debug/env."""
    burn: Annotated[int, Field(ge=1, le=16)] | None = None
    """Number of processes that each keep one processor busy."""
    wait: Check | None = None
    """Wait until the check passes."""
    remember: SavedValue | None = None
    """Save a value for later steps."""
    purge: bool = False
    """Purge all binary logs but the newest."""
    attach: bool = False
    """Make the instance replicate from the primary again."""
    knock: Annotated[int, Field(ge=1, le=50)] | None = None
    """Number of logins with a wrong password."""
    settle: Annotated[float, Field(gt=0, le=30)] | None = None
    """Seconds to wait."""
    as_: User = Field(default="app", alias="as")
    """The user of sessions."""
    count: Annotated[int, Field(ge=1, le=200)] = 1
    """Number of sessions."""
    name: Name = "held"
    """Name of the sessions for `close`."""

    @model_validator(mode="after")
    def _has_one_kind(self) -> FaultStep:
        kinds = (self.admin, self.admin_unlogged, self.try_admin, self.session, self.busy, self.close, self.process)
        others = (self.burn, self.wait, self.remember, self.knock, self.settle)
        cluster = (self.rpc, self.try_rpc, self.vtorc, self.env)
        flags = self.fill + self.purge + self.attach
        if sum(each is not None for each in (*kinds, *others, *cluster)) + flags != 1:
            raise ValueError("a step has exactly one of: admin, session, busy, fill, process, wait and so on")
        return self


class ExpectedResult(RunbookModel):
    """What the bot must find and offer."""

    runbook: str
    """The runbook of the expected cause."""
    asked: tuple[str, ...] = ()
    """The runbooks that the alert matches, if several match equally well, or if the run goes on from another one."""
    cause: str
    """The expected leading cause."""
    also: tuple[str, ...] = ()
    """Other causes that may lead, depending on how far VTOrc's repair has progressed."""
    remedy: str | None = None
    """The remedy that must be offered; without it none may be offered."""
    mends: bool = True
    """Whether the remedy resolves the fault, so that `shows` no longer passes."""
    repaired: bool = False
    """Whether VTOrc repairs it: the run then offers nothing and ends with what VTOrc did."""


class FaultFile(RunbookModel):
    """One fault, with the flavours that it applies to."""

    title: Line
    """What is broken, in one line."""
    families: Annotated[tuple[str, ...], Field(min_length=1)]
    """The kinds of problem that it is an example of."""
    decoy: Line | None = None
    """For a misleading symptom: the obvious fix, and why it is wrong."""
    on: Mapping[Flavour, str]
    """The target of the alert by flavour: an instance; for Vitess a shard and role, such as commerce/-80@replica."""
    alert: Line
    """The name of the alert that it raises."""
    labels: Mapping[str, str] = Field(default_factory=dict)
    """Further labels of the alert; empty ones are omitted. $vtgate and $vtorc are their addresses."""
    break_: Annotated[tuple[FaultStep, ...], Field(alias="break", min_length=1)]
    shows: Check
    """The check that passes while the fault is in place."""
    expect: ExpectedResult
    differs: Mapping[Flavour, ExpectedResult] = Field(default_factory=dict)
    """Expected results that differ by flavour."""
    unharmed: tuple[Check, ...] = ()
    """Checks that must pass after the remedy: nothing else was affected."""
    clean: tuple[FaultStep, ...] = ()
    """Clean-up steps, run after the sessions are closed; they must also work when the fault is already resolved."""
    within: Annotated[float, Field(gt=0, le=30)] = 3.0
    """Seconds until the cause must be named; longer where only waiting shows that a server does not answer."""
    transient: bool = False
    """Whether `shows` may pass for a while after the clean-up, for example because it is a counter."""


@dataclass(frozen=True)
class Fault:
    """A fault on one flavour."""

    name: str
    """The name of the folder; with the suffix `_mariadb` if MySQL has the fault, too."""
    flavour: Flavour
    instance: str
    file: FaultFile

    @property
    def alert(self) -> str:
        return self.file.alert

    @property
    def says(self) -> str:
        return self.file.title

    @property
    def expect(self) -> ExpectedResult:
        return self.file.differs.get(self.flavour, self.file.expect)


def known(*, vitess: bool) -> Mapping[str, Fault]:
    """Returns the faults of a lab by name: those of the Vitess cluster, or those of MySQL and MariaDB."""
    return faults(VITESS_FOLDER) if vitess else faults()


@lru_cache
def faults(folder: Path = FOLDER) -> Mapping[str, Fault]:
    """Returns every fault on every flavour by name; raises FirstmateError for a file that is not valid."""
    found = {}
    for path in sorted(folder.glob(f"*/{FILE}")):
        file = _read(path)
        for flavour, instance in file.on.items():
            name = path.parent.name if flavour == "mysql" or len(file.on) == 1 else f"{path.parent.name}_mariadb"
            found[name] = Fault(name, flavour, instance, file)
    return found


def _read(path: Path) -> FaultFile:
    try:
        return FaultFile.model_validate(read(path.read_text(encoding="utf-8"), str(path)).value)
    except (RunbookError, ValidationError) as error:
        raise FirstmateError(f"{path} is not a valid fault: {error}") from error
