"""What a fault's file may say, as frozen models, and the faults that there are.

A fault is a folder below `bot/lab/faults`, or `bot/lab/faults_vitess` for the Vitess cluster, with one `fault.yml`: how
it is broken on a real server, the alert that it raises, the cause that must lead, the remedy that must be offered or
must not be, how one sees it, how it is cleaned up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, ValidationError, model_validator

from bot.errors import FirstmateError, RunbookError
from bot.runbook.language.document import read
from bot.runbook.language.schema_base import Line, Name, RunbookModel

FOLDER = Path(__file__).parents[1] / "fault_catalog" / "mysql"
VITESS_FOLDER = FOLDER.with_name("vitess")
FILE = "fault.yml"

Flavour: TypeAlias = Literal["mysql", "mariadb", "vitess"]
ClusterProgram: TypeAlias = Literal["mysqld", "vttablet", "vtorc", "vtgate", "vtctld", "etcd"]
"""Of the Vitess cluster: the first two are those of the tablet that a step or a check is about."""
User: TypeAlias = Literal["admin", "app", "deploy", "reports", "backup"]
Port: TypeAlias = Literal["open", "refused", "hangs"]
Statements: TypeAlias = Annotated[tuple[str, ...], Field(min_length=1, max_length=50)]


class Check(RunbookModel):
    """What one sees at a server: a number of a statement's answer, a column of the replica's status, or its port.

    Of the Vitess cluster also: a tablet as vtgate has it, what VTOrc detects, an RPC's answer, a program that is gone.
    """

    on: str = "target"
    """`target`, `primary`, `other_replica`, `other_primary` (of the other shard of the Vitess cluster), `vtgate`, or an
    instance."""
    sql: str | None = None
    """The last column of the first row counts; no row is 0."""
    replica: str | None = None
    """A column of SHOW REPLICA STATUS, as MySQL 8.4 calls it."""
    port: Port | None = None
    prometheus: str | None = None
    """An expression; no series is 0."""
    binlogs: bool = False
    """How many binary logs there are."""
    tablet: str | None = None
    """A type and a state, such as DRAINED/SERVING: 1 while vtgate has the tablet so, else 0."""
    serves: str | None = None
    """A type: 1 while vtgate has a tablet of the shard that serves as it, else 0."""
    recoveries_disabled: bool = False
    """1 while the recoveries of VTOrc are disabled, else 0."""
    vtorc: str | None = None
    """An analysis of VTOrc: 1 while it detects that of the tablet, else 0."""
    rpc: str | None = None
    """A call of vtctld, such as `GetShard {"keyspace": "$keyspace", "shard_name": "$shard"}`; `at` says what of it."""
    at: str = ""
    """The dotted path of a field in the answer; a field that is not there is the empty text."""
    gone: ClusterProgram | None = None
    """1 while this program of the cluster does not run, else 0."""
    at_least: int = 1
    equals: str | None = Field(default=None, alias="is")
    """The value itself, where it is not a number to be reached."""

    def __str__(self) -> str:
        return ", ".join(f"{name}: {value}" for name, value in self.model_dump(exclude_defaults=True).items())

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Check:
        servers = (self.sql, self.replica, self.port, self.prometheus)
        cluster = (self.tablet, self.serves, self.vtorc, self.rpc, self.gone)
        flags = self.binlogs + self.recoveries_disabled
        if sum(each is not None for each in (*servers, *cluster)) + flags != 1:
            raise ValueError("a check asks one thing: sql, replica, port, prometheus, binlogs, tablet and the like")
        return self


class SavedValue(RunbookModel):
    """A value of a server that a later statement may name as $NAME; it is kept until the fault is cleaned up."""

    name: Name
    sql: str


class FaultStep(RunbookModel):
    """One step of breaking or of cleaning up; exactly one of the kinds."""

    only: Flavour | None = None
    """The step is for servers of this flavour."""
    on: str = "target"
    """`target`, `primary`, `replicas`, `other_replica`, `other_primary`, `vtgate`, or an instance."""
    admin: Statements | None = None
    """Statements of the administrator, one after the other."""
    admin_unlogged: Statements | None = None
    """The same, kept out of the binary log."""
    try_admin: Statements | None = None
    """The same, where an error is no matter."""
    session: Statements | None = None
    """Statements of a session that stays open and idle afterwards."""
    busy: Statements | None = None
    """Statements of a session that go on meanwhile: each is waited for, and begun anew when it is cut off."""
    forever: bool = False
    """With `busy`: all over again for ever."""
    again: bool = False
    """With `busy`: begun anew where it is cut off or fails, as an application does that tries again."""
    fill: bool = False
    """Sessions until the server takes no more."""
    close: Name | None = None
    """Ends the sessions of this name."""
    process: Literal["kill", "stop", "continue", "start"] | None = None
    """What happens to the server's process: SIGKILL, SIGSTOP, SIGCONT, or a new one."""
    of: ClusterProgram = "mysqld"
    """With `process`: which program of the Vitess cluster."""
    rpc: Statements | None = None
    """Calls of vtctld, as an operator makes them; `$here` is the alias of each tablet that the step is on."""
    try_rpc: Statements | None = None
    """The same, where an error is no matter."""
    vtorc: str | None = None
    """A path of VTOrc that is asked with GET, such as /api/disable-global-recoveries."""
    env: Mapping[str, str] | None = None
    """Settings of the tablet's /debug/env."""
    burn: Annotated[int, Field(ge=1, le=16)] | None = None
    """So many processes that take the processor."""
    wait: Check | None = None
    """Waits until the check holds."""
    remember: SavedValue | None = None
    """Keeps a value for later."""
    purge: bool = False
    """Removes all binary logs but the newest."""
    attach: bool = False
    """Makes the instance follow the primary again."""
    knock: Annotated[int, Field(ge=1, le=50)] | None = None
    """So many logins with a wrong password."""
    settle: Annotated[float, Field(gt=0, le=30)] | None = None
    """Seconds to wait for what only time shows."""
    as_: User = Field(default="app", alias="as")
    """The user of sessions."""
    count: Annotated[int, Field(ge=1, le=200)] = 1
    """So many sessions."""
    name: Name = "held"
    """Under which sessions are closed."""

    @model_validator(mode="after")
    def _is_one_thing(self) -> FaultStep:
        kinds = (self.admin, self.admin_unlogged, self.try_admin, self.session, self.busy, self.close, self.process)
        others = (self.burn, self.wait, self.remember, self.knock, self.settle)
        cluster = (self.rpc, self.try_rpc, self.vtorc, self.env)
        flags = self.fill + self.purge + self.attach
        if sum(each is not None for each in (*kinds, *others, *cluster)) + flags != 1:
            raise ValueError("a step is exactly one thing: admin, session, busy, fill, process, wait and the like")
        return self


class ExpectedResult(RunbookModel):
    """What must come of it."""

    runbook: str
    cause: str
    """The cause that must lead."""
    also: tuple[str, ...] = ()
    """Causes that may lead as well, where it depends on how far VTOrc has come."""
    remedy: str | None = None
    """The remedy that must be offered; without it, none may be."""
    mends: bool = True
    """Whether the remedy mends it: what `shows` is gone afterwards."""
    repaired: bool = False
    """VTOrc repairs it by itself: the run watches, offers nothing, and ends with what VTOrc did."""


class FaultFile(RunbookModel):
    """One fault, on each flavour that it is made on."""

    title: Line
    """What is broken, in a few words."""
    families: Annotated[tuple[str, ...], Field(min_length=1)]
    """The families of diagnostics that it is for."""
    decoy: Line | None = None
    """The obvious fix, and why it is wrong, where it is a symptom that misleads."""
    on: Mapping[Flavour, str]
    """The instance that the alert is about, by flavour; of Vitess a shard and a role, such as commerce/-80@replica."""
    alert: Line
    """The name of the alert that it raises."""
    labels: Mapping[str, str] = Field(default_factory=dict)
    """Further labels of the alert; an empty one is left out. $vtgate and $vtorc are their addresses."""
    break_: Annotated[tuple[FaultStep, ...], Field(alias="break", min_length=1)]
    shows: Check
    """How one sees that it is broken."""
    expect: ExpectedResult
    differs: Mapping[Flavour, ExpectedResult] = Field(default_factory=dict)
    """What must come of it instead on a flavour."""
    unharmed: tuple[Check, ...] = ()
    """What must hold afterwards, too: nobody was hurt who had nothing to do with it."""
    clean: tuple[FaultStep, ...] = ()
    """How it is cleaned up once its sessions are closed; what is mended already must not mind."""
    transient: bool = False
    """Whether what it shows may be seen for a while after it is cleaned up, such as a counter."""


@dataclass(frozen=True)
class Fault:
    """A fault on one flavour."""

    name: str
    """The folder's name; with `_mariadb` after it where MySQL has it, too."""
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
    """The faults that a lab knows, by name: those of the Vitess cluster, or those of MySQL and MariaDB."""
    return faults(VITESS_FOLDER) if vitess else faults()


@lru_cache
def faults(folder: Path = FOLDER) -> Mapping[str, Fault]:
    """Every fault on every flavour, by name; raises FirstmateError with the file that does not fit."""
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
        raise FirstmateError(f"{path} is no fault: {error}") from error
