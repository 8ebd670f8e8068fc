"""The contract between actions and those who run them.

A diagnostic is a function from a reader to a frozen dataclass. A remediation is a frozen dataclass whose fields are
its parameters, with `check`, `change`, `verify` and `undo`. Neither opens a connection and neither executes a change:
readers are given, statements are yielded.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Protocol, TypeAlias, TypeVar, runtime_checkable


class Unit(StrEnum):
    """A unit of measure, carried in the type of a parameter or a field."""

    SECONDS = "seconds"
    BYTES = "bytes"
    PERCENT = "percent"
    COUNT = "count"
    MOMENT = "moment"


Seconds: TypeAlias = Annotated[float, Unit.SECONDS]
Bytes: TypeAlias = Annotated[int, Unit.BYTES]
Percent: TypeAlias = Annotated[float, Unit.PERCENT]
Count: TypeAlias = Annotated[int, Unit.COUNT]
Moment: TypeAlias = Annotated[float, Unit.MOMENT]
"""Unix time in seconds."""

Row: TypeAlias = Mapping[str, Any]


class Flavour(StrEnum):
    """Whose server it is; statements differ by it."""

    MYSQL = "mysql"
    MARIADB = "mariadb"
    PROXYSQL = "proxysql"
    VITESS = "vitess"


@dataclass(frozen=True, slots=True)
class ServerVersion:
    """What a server says of itself at connect: flavour and version as numbers, e.g. (9, 7, 4)."""

    flavour: Flavour
    number: tuple[int, int, int]

    @property
    def is_mariadb(self) -> bool:
        return self.flavour is Flavour.MARIADB

    def at_least(self, *number: int) -> bool:
        """Whether the version is this one or later, compared within its own flavour."""
        return self.number >= number

    def __str__(self) -> str:
        return f"{self.flavour.value} {'.'.join(map(str, self.number))}"


class Cost(StrEnum):
    """What a diagnostic costs: LOW touches no hot mutex, MEDIUM scans a table of status, HIGH can stall the server."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Risk(StrEnum):
    """What a remediation can cost: undone at will, felt by somebody, or not to be undone."""

    REVERSIBLE = "reversible"
    DISRUPTIVE = "disruptive"
    DESTRUCTIVE = "destructive"


class Refused(Exception):
    """A remediation will not run: the sentence says what was found, on which object, and what to do instead."""


class NoUndo(Exception):
    """A remediation cannot be undone; the sentence says why."""


class Unreadable(Exception):
    """A diagnostic could not read its answer; the sentence says what was asked, of whom, and what to do next."""


class MySQL(Protocol):
    """Reads one MySQL or MariaDB server; it has no way to write, and bounds time and rows by itself."""

    @property
    def version(self) -> ServerVersion: ...

    @property
    def address(self) -> str:
        """`host:port`, for sentences."""
        ...

    def rows(self, sql: str, params: Sequence[object] = (), *, limit: int = 200, costly: bool = False) -> list[Row]:
        """Runs one reading statement with bound parameters and returns at most `limit` rows, keyed as the server does.

        `costly` marks the statement that makes a diagnostic HIGH; a reader sends one a minute to a server.
        Raises Unreadable when the server refuses, is cut off, or takes longer than the reader's bound.
        """
        ...

    def pause(self, seconds: Seconds) -> None:
        """Waits between two looks at a counter that only grows; the reader bounds it to a few seconds."""
        ...


@runtime_checkable
class ProxySQL(MySQL, Protocol):
    """Reads the admin interface of one ProxySQL, as one reads a server; every value comes back as text."""

    @property
    def sees_configuration(self) -> bool:
        """Whether it may read the configuration: the changer's connection does, a reader sees the statistics alone."""
        ...


@dataclass(frozen=True, slots=True)
class Knock:
    """What came of trying a server's port."""

    tcp: Literal["open", "refused", "silent", "unreachable"]
    """`refused`: the host answers, and nobody listens; `silent`: nothing came back in time."""
    greeted: bool = False
    """Whether the server began the protocol: it is at work, whatever it says of us."""
    errno: int = 0
    """The error that turned us away: 1040 (too many connections), 1129 (host blocked) and the like; 0 for none."""
    error: str = ""
    took: Seconds = 0.0


class Endpoint(Protocol):
    """Tries one server from outside, also one that lets nobody in."""

    @property
    def address(self) -> str:
        """`host:port`, for sentences."""
        ...

    def knock(self) -> Knock:
        """Connects, waits for the greeting, logs in, and goes away; never raises for what a server may do."""
        ...


@dataclass(frozen=True, slots=True)
class Sample:
    """One point of a series: Unix time in seconds and the value."""

    at: float
    value: float


@dataclass(frozen=True, slots=True)
class Series:
    """One series of Prometheus: its labels and its points, oldest first."""

    labels: Mapping[str, str]
    samples: tuple[Sample, ...]


class Prometheus(Protocol):
    """Reads Prometheus."""

    def instant(self, query: str, *, limit: int = 200) -> list[Series]:
        """Evaluates `query` now; each series has one sample. Raises Unreadable."""
        ...

    def range(self, query: str, *, start: datetime, end: datetime, step: Seconds, limit: int = 50) -> list[Series]:
        """Evaluates `query` from `start` to `end` every `step` seconds. Raises Unreadable."""
        ...


Grants: TypeAlias = Mapping[Flavour, tuple[str, ...]]
"""Privileges needed, as GRANT spells them, by flavour."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A declared diagnostic: its function and what an operator must know before it runs."""

    ask: Callable[..., Any]
    cost: Cost
    needs: Grants
    reader: type
    """What it reads with: MySQL, ProxySQL, Endpoint, Prometheus or actions.vitess_contract.Vitess."""
    gated: bool = False
    """Whether a HIGH one looks cheaply first, and asks what is costly only where there is something to see."""

    @property
    def costly(self) -> bool:
        """Whether it can stall a server, so that it is asked no more often than it must be."""
        return self.cost is Cost.HIGH

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - each diagnostic returns its own dataclass
        return self.ask(*args, **kwargs)


F = TypeVar("F", bound=Callable[..., Any])


def diagnostic(*, cost: Cost, needs: Grants, gated: bool = False) -> Callable[[F], Diagnostic]:
    """Declares a function as a diagnostic.

    Its first parameter says by its type which reader it needs; the rest are keyword-only and annotated; it returns a
    frozen dataclass.
    """

    def declare(ask: F) -> Diagnostic:
        first = next(iter(inspect.signature(ask, eval_str=True).parameters.values()))
        return Diagnostic(ask=ask, cost=cost, needs=needs, reader=first.annotation, gated=gated)

    return declare


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a change, with bound parameters; `str()` shows it exactly as the server will get it.

    `text` is made by actions.sql_quoting.render when the statement is built with actions.sql_quoting.statement.
    """

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a change did what it was for, with the sentence that says how one sees it."""

    ok: bool
    says: str
    settled: bool = True
    """False while it is too early to tell: ask again until the remediation's `settles_within` has passed."""


class Remediation(ABC):
    """Base of a remediation: a frozen dataclass whose fields are its parameters. It executes nothing itself."""

    risk: ClassVar[Risk]
    needs: ClassVar[Grants]
    reader: ClassVar[type] = MySQL
    """What it is made on: MySQL, ProxySQL, or actions.vitess_contract.Vitess."""
    settles_within: ClassVar[Seconds] = 10.0
    """How long `verify` may be asked before an unsettled verdict counts as failed."""
    narrows: ClassVar[bool] = False
    """Whether the change may leave out statements that are not needed any more; others than approved it never makes."""
    under_vitess: ClassVar[str] = ""
    """What stands for it where the target is a tablet: the name of another action, or the sentence that says why it is
    refused there; '' where it may be made on a tablet's server as on any. See `on_tablet`."""
    demotes: ClassVar[bool] = False
    """Whether the target is a primary that the change makes a replica: an undo then meets the server in another role,
    and `verify` alone tells whether the change still holds."""
    holds_for: ClassVar[Seconds] = 0.0
    """How long a good verdict must last before it counts."""

    @abstractmethod
    def check(self, db: MySQL) -> None:
        """Raises Refused when this change should not be made on this server as it is now."""

    @abstractmethod
    def change(self, db: MySQL) -> Iterator[Statement]:
        """Yields the statements of the change one at a time, and may read between them; may raise Refused."""

    @abstractmethod
    def verify(self, db: MySQL) -> Verification:
        """Tells whether the change holds."""

    @abstractmethod
    def undo(self, db: MySQL) -> Iterator[Statement]:
        """Yields the statements that restore what the server holds now. Called before the change; raises NoUndo."""

    def cost(self, db: MySQL) -> str:
        """What the server has to do because of it, in a sentence for those who approve; '' where that is nothing."""
        return ""

    @property
    def on_tablet(self) -> str:
        """What `under_vitess` is with these parameters."""
        return self.under_vitess

    @property
    def takes_out(self) -> bool:
        """Whether the server does not serve or follow its source any more once the change is made."""
        return False

    @property
    def drains(self) -> str:
        """`host:port` of another server than the target that the change takes out of service; '' where it is none."""
        return ""

    @property
    def revert_after(self) -> Seconds | None:
        """Seconds after which the change is to be undone by itself, or None when it stays."""
        return None


__all__ = [
    "Bytes",
    "Cost",
    "Count",
    "Diagnostic",
    "Endpoint",
    "Flavour",
    "Grants",
    "Knock",
    "MySQL",
    "NoUndo",
    "Percent",
    "Prometheus",
    "ProxySQL",
    "Refused",
    "Remediation",
    "Risk",
    "Row",
    "Sample",
    "Seconds",
    "Series",
    "ServerVersion",
    "Statement",
    "Unit",
    "Unreadable",
    "Verification",
    "diagnostic",
]
