"""The contract between actions and the code that runs them.

A diagnostic is a function from a reader to a frozen dataclass. A remediation is a frozen dataclass whose fields are its
parameters, with the methods `check`, `change`, `verify` and `undo`. Neither opens a connection or executes a change: an
action is given its reader, and it yields statements.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Protocol, TypeAlias, TypeVar, runtime_checkable


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
    """The product behind a server; statements differ by it."""

    MYSQL = "mysql"
    MARIADB = "mariadb"
    PROXYSQL = "proxysql"
    VITESS = "vitess"


@dataclass(frozen=True, slots=True)
class ServerVersion:
    """What a server reports at connect: its flavour, its version as numbers, e.g. (9, 7, 4), and what it records."""

    flavour: Flavour
    number: tuple[int, int, int]
    performance_schema: bool = True
    """Whether performance_schema is on. It is off by default in MariaDB. Its tables exist then, and are empty, so that
    an empty answer proves nothing."""

    @property
    def is_mariadb(self) -> bool:
        return self.flavour is Flavour.MARIADB

    def at_least(self, *number: int) -> bool:
        """Whether the version is this one or later, compared within its own flavour."""
        return self.number >= number

    def __str__(self) -> str:
        return f"{self.flavour.value} {'.'.join(map(str, self.number))}"


READERS_DATABASE = "information_schema"
"""The default database of Firstmate's readers, under which performance_schema counts their statements, so that they can
be told from those of the applications."""


class Cost(StrEnum):
    """What a diagnostic costs: LOW takes no hot mutex, MEDIUM scans a status table, HIGH can stall the server."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Risk(StrEnum):
    """The risk of a change: REVERSIBLE can be undone, DISRUPTIVE is felt by clients, DESTRUCTIVE cannot be undone."""

    REVERSIBLE = "reversible"
    DISRUPTIVE = "disruptive"
    DESTRUCTIVE = "destructive"


DIAGNOSE_AGAIN = "Press Try again to diagnose again."
"""The next step when the state that a change was planned for has passed."""


class Refused(Exception):
    """A remediation refuses to run. The sentence says what was found, on which object, and what to do instead."""


class NoUndo(Exception):
    """A remediation cannot be undone. The sentence says why."""


class Unreadable(Exception):
    """A diagnostic could not read a value. The sentence says what was read, where, and what to do next."""


class MySQL(Protocol):
    """Reads one MySQL or MariaDB server. It cannot write, and it limits time and rows itself."""

    @property
    def version(self) -> ServerVersion: ...

    @property
    def address(self) -> str:
        """`host:port`, for messages."""
        ...

    def rows(self, sql: str, params: Sequence[object] = (), *, limit: int = 200, costly: bool = False) -> list[Row]:
        """Runs one reading statement with bound parameters; returns at most `limit` rows, keyed by column name.

        `costly` marks the statement that makes a diagnostic HIGH; a reader sends a server at most one of these per
        minute. Raises Unreadable if the server refuses the statement, the connection is lost, or the reader's time
        limit is exceeded.
        """
        ...

    def pause(self, seconds: Seconds) -> None:
        """Waits between two samples of a counter; the reader limits the wait to a few seconds."""
        ...


@runtime_checkable
class ProxySQL(MySQL, Protocol):
    """Reads the admin interface of one ProxySQL like a MySQL server; every value is returned as text."""

    @property
    def sees_configuration(self) -> bool:
        """Whether it may read the configuration. A changer's connection may; a reader sees the statistics only."""
        ...


Grants: TypeAlias = Mapping[Flavour, tuple[str, ...]]
"""Privileges needed, as GRANT spells them, by flavour."""


EXACT = "EXACT"
"""The name of a ClassVar of evidence with a field `complete`: the fields that are right even if `complete` is False.
A list among them is empty only if there is nothing, and its first items are the right ones. All other fields may lack
something then, and the linter refuses a cause that concludes an absence from them without a look at `complete`."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A declared diagnostic: its function, and what an operator must know before running it."""

    ask: Callable[..., Any]
    cost: Cost
    needs: Grants
    reader: type
    """The reader that it takes: MySQL, ProxySQL, Endpoint, Prometheus or actions.vitess_contract.Vitess."""
    gated: bool = False
    """Whether a HIGH diagnostic runs a cheap check first, and the costly statement only if the check finds
    something."""

    @property
    def costly(self) -> bool:
        """Whether it can stall a server, so that it must run as rarely as possible."""
        return self.cost is Cost.HIGH

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - each diagnostic returns its own dataclass
        return self.ask(*args, **kwargs)


F = TypeVar("F", bound=Callable[..., Any])


def diagnostic(*, cost: Cost, needs: Grants, gated: bool = False) -> Callable[[F], Diagnostic]:
    """Declares a function as a diagnostic.

    The type of the first parameter selects the reader; the other parameters are keyword-only and annotated. The
    function returns a frozen dataclass.
    """

    def declare(ask: F) -> Diagnostic:
        first = next(iter(inspect.signature(ask, eval_str=True).parameters.values()))
        return Diagnostic(ask=ask, cost=cost, needs=needs, reader=first.annotation, gated=gated)

    return declare


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a change, with its values rendered; `str()` is exactly what the server receives.

    Build it with actions.sql_quoting.statement.
    """

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a change achieved its purpose, with a sentence that gives the observed state."""

    ok: bool
    says: str
    settled: bool = True
    """False while it is too early to tell: verify again until the remediation's `settles_within` has passed."""
    known: bool = True
    """False if it cannot be told whether the change helps; one that stays so ends as unknown, not as failed."""


class Remediation(ABC):
    """Base of a remediation: a frozen dataclass whose fields are its parameters. It executes nothing itself."""

    risk: ClassVar[Risk]
    needs: ClassVar[Grants]
    reader: ClassVar[type] = MySQL
    """The reader that it takes: MySQL, ProxySQL, or actions.vitess_contract.Vitess."""
    settles_within: ClassVar[Seconds] = 10.0
    """How long `verify` may be repeated before an unsettled result counts as failed."""
    narrows: ClassVar[bool] = False
    """Whether the change may leave out statements that are no longer needed. It never adds statements to the approved
    ones."""
    under_vitess: ClassVar[str] = ""
    """What replaces the remediation if the target is a tablet: the name of another action, or the sentence that says
    why it is refused there; '' if it may run on a tablet's server as on any other. See `on_tablet`."""
    demotes: ClassVar[bool] = False
    """Whether the change turns the target from a primary into a replica. An undo then finds the server in another role,
    and only `verify` tells whether the change still holds."""
    holds_for: ClassVar[Seconds] = 0.0
    """How long a successful result must last before it counts."""

    @abstractmethod
    def check(self, db: MySQL) -> None:
        """Raises Refused if this change should not be made on this server in its present state."""

    @abstractmethod
    def change(self, db: MySQL) -> Iterator[Statement]:
        """Yields the statements of the change one at a time, and may read between them. May raise Refused."""

    @abstractmethod
    def verify(self, db: MySQL) -> Verification:
        """Reports whether the change holds."""

    def still_made(self, db: MySQL) -> Verification:
        """Reports whether the change is still in effect, so that an undo restores only what is ours; by default
        `verify`. Differs from it where `verify` also demands that the change helps."""
        return self.verify(db)

    @abstractmethod
    def undo(self, db: MySQL) -> Iterator[Statement]:
        """Yields the statements that restore the server's present state. Called before the change; raises NoUndo."""

    def cost(self, db: MySQL) -> str:
        """Returns a sentence for the approvers that says what the change costs the server; '' if nothing."""
        return ""

    @property
    def on_tablet(self) -> str:
        """The value of `under_vitess` with these parameters."""
        return self.under_vitess

    @property
    def takes_out(self) -> bool:
        """Whether the server stops serving, or stops following its source, once the change is made."""
        return False

    @property
    def drains(self) -> str:
        """`host:port` of a server other than the target that the change takes out of service; '' if there is none."""
        return ""

    @property
    def revert_after(self) -> Seconds | None:
        """Seconds after which the change is undone automatically; None if it stays."""
        return None


__all__ = [
    "READERS_DATABASE",
    "Bytes",
    "Cost",
    "Count",
    "Diagnostic",
    "Flavour",
    "Grants",
    "MySQL",
    "NoUndo",
    "Percent",
    "ProxySQL",
    "Refused",
    "Remediation",
    "Risk",
    "Row",
    "Seconds",
    "ServerVersion",
    "Statement",
    "Unit",
    "Unreadable",
    "Verification",
    "diagnostic",
]
