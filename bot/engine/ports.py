"""The protocols that the engine needs; their implementations are in bot.fleet, bot.store and bot.slack."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from actions.contract import MySQL, Statement
from actions.endpoint_contract import Endpoint
from actions.prometheus_contract import Prometheus
from actions.shard_contract import ShardMembers
from bot.alerts import Alert
from bot.config import Instance, Role, Shard
from bot.engine.run import Assignment, Decision, PauseRequest, Run, RunState
from bot.engine.segments import Segment
from bot.engine.targets import Target
from bot.guards.facts import Halt

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity that a server reports, which is unique to it, and its role with how it was determined."""

    server: str
    role: Role
    says: str


class Changer(Protocol):
    """One connection that may change a server; it reads on the same connection."""

    @property
    def reader(self) -> MySQL: ...

    def execute(self, statement: Statement, *, tag: str) -> None:
        """Executes one statement of an approved plan, tagged with the run; raises Unreachable."""
        ...


class Fleet(Protocol):
    """The database servers and Prometheus."""

    def find(self, name: str) -> Target:
        """Finds an instance by name, address or alias; raises UnknownTarget with the nearest names."""
        ...

    def targets(self) -> Sequence[Target]:
        """Every instance of the inventory."""
        ...

    def find_by_labels(self, labels: Mapping[str, str]) -> Target | None:
        """Finds the instance that an alert is about by its labels, or None."""
        ...

    def doubts(self, shard: Shard) -> str:
        """Returns why the inventory of a shard may be outdated; '' if it is fresh or written by hand."""
        ...

    def read(self, shard: Shard, instance: Instance, reader: type = MySQL) -> AbstractContextManager[MySQL]:
        """Connects for reading; as actions.vitess_contract.Vitess where that is the `reader` asked for."""
        ...

    def endpoint(self, shard: Shard, instance: Instance) -> Endpoint:
        """The port of an instance, to be tried from outside; opens nothing yet."""
        ...

    def change(self, shard: Shard, instance: Instance, reader: type = MySQL) -> AbstractContextManager[Changer]:
        """Connects for a change that is made on this kind of reader."""
        ...

    def identify(self, db: MySQL) -> Identity: ...

    def members(self, shard: Shard) -> ShardMembers:
        """The database servers of a shard, to be asked all at once; opens nothing yet."""
        ...

    @property
    def prometheus(self) -> Prometheus | None: ...


class Directory(Protocol):
    """The roles of people; an unknown person has none."""

    def may(self, user: str, role: str, *, shard: str = "", risk: str = "", fresh: bool = False) -> tuple[bool, str]:
        """Whether the user holds a role of bot.config.Roles, and the sentence that says by what.

        With a shard and a risk, whether it is held for changes like these.

        With `fresh`, past every cache. Never raises: when Slack does not answer the answer is no, with that reason.
        """
        ...


class Publisher(Protocol):
    """Shows runs to people."""

    def publish(self, run: Run) -> None:
        """Queues the cards of the run in its current state; the same run again changes nothing."""
        ...


class Steps(Protocol):
    """Durable steps of one segment."""

    def step(self, name: str, do: Callable[[], T]) -> T:
        """Runs `do` once; after a crash, a completed step returns its recorded result. Results are JSON."""
        ...


class Silencer(Protocol):
    """A source of alerts that can be silenced; every method raises Unreachable."""

    def silence(self, labels: Mapping[str, str], *, seconds: float, by: str, why: str) -> str:
        """Silences the alert with exactly these labels, and returns the silence's id."""
        ...

    def end(self, silence: str) -> None:
        """Ends a silence; one that has ended already, or is gone, is fine."""
        ...

    def fires(self, labels: Mapping[str, str]) -> bool:
        """Whether the alert with exactly these labels still fires, silenced or not."""
        ...


class Superseded(BaseException):
    """Another execution of this segment owns the run now; this one stops at once and changes nothing more.

    It is not an Exception, so that no handler of errors ends the run, which the other execution continues.
    """


class StartResult(StrEnum):
    """Whether a change may be made now."""

    BEGUN = "begun"
    """It may be made, by this caller alone."""
    BEFORE = "before"
    """It was started before, and must not be repeated."""
    FENCED = "fenced"
    """The lease of the shard has a newer token or has expired."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The result of receiving one alert: whether it was new, and its run."""

    fresh: bool
    incident: str
    run: str | None


@dataclass(frozen=True, slots=True)
class BegunChange:
    """A change that was started."""

    run: str
    shard: str
    action: str
    at: datetime


class Store(Protocol):
    """Runs, decisions, intents, leases, the halt switch and the audit log; each method is one transaction."""

    def open_run(self, run: Run, *, key: str, actor: str) -> bool:
        """Stores a run and enqueues its triage; False when a run of this incident key is under way."""
        ...

    def receive(self, alert: Alert, *, key: str, run: Run) -> Receipt:
        """Stores an alert; a new firing opens `run` and enqueues its triage unless the key has one under way."""
        ...

    def resolve(self, alert: Alert) -> None:
        """Ends a stored alert whose end its source does not send, as of its `ends_at`."""
        ...

    def keep_refused(self, source: str, reason: str, body: bytes) -> None:
        """Keeps the body of a request that was refused, for inspection."""
        ...

    def run(self, run_id: str) -> Run | None: ...

    def runs(self, *, under_way: bool = False, limit: int = 50) -> Sequence[Run]: ...

    def runs_led_by(self, cause: str, shard: str, *, since: datetime, limit: int) -> Sequence[Run]:
        """Returns the newest ended runs of a shard in which this cause led; see `Run.led_by`."""
        ...

    def older(self) -> Sequence[tuple[Run, Sequence[str]]]:
        """Returns runs under way that this version cannot read completely, with the keys that it cannot read."""
        ...

    def save(self, run: Run, *, expect: RunState, event: str = "", actor: str = "firstmate", **data: Any) -> bool:  # noqa: ANN401
        """Stores the run if its stored state is `expect`; with an event, audits it in the same transaction."""
        ...

    def take(self, run_id: str, taken: Assignment | None, *, expect: Assignment | None, actor: str) -> bool:
        """Records who works on the incident, and audits it; False when the stored assignment is not `expect`."""
        ...

    def request_pause(self, run_id: str, request: PauseRequest | None, *, actor: str) -> bool:
        """Records or withdraws a request to pause or stop a change, and audits it; False when none is under way."""
        ...

    def go_on(self, run_id: str, request: PauseRequest | None, *, says: str, actor: str) -> bool:
        """Moves a paused run to CHANGING with this request, and enqueues its change; False when it is not paused.

        `says` becomes the sentence of the run and an event of its timeline.
        """
        ...

    def enqueue(self, run_id: str, segment: Segment, *, delay: float = 0.0) -> None:
        """Enqueues a segment once; the same segment of the same run again does nothing."""
        ...

    def wait(self, run: Run, *, expires_in: float) -> bool:
        """Moves a triaging run to WAITING and enqueues its expiry."""
        ...

    def approve_alone(self, run: Run) -> bool:
        """Moves a triaging run that needs no approval to APPROVED and enqueues its change."""
        ...

    def decide(self, run_id: str, decision: Decision) -> Run:
        """Records one decision and enqueues the change when it is the last one needed.

        Raises NotAllowed when the run does not wait, the digest is another one, it has expired, or the user decided
        already.
        """
        ...

    def intend(self, run_id: str, what: str, digest: str) -> None:
        """Records that a change is about to be made; again does nothing."""
        ...

    def begin(self, run_id: str, what: str, *, shard: str, token: int, action: str = "") -> StartResult:
        """Compare-and-set INTENT -> STARTED, while the run holds the shard with this token.

        With an action it counts in budgets and cooldowns; an undo does not.
        """
        ...

    def begun_at(self, run_id: str, what: str) -> datetime | None:
        """Returns when the change was started, or None."""
        ...

    def changes(self, *, since: datetime, besides: str) -> Sequence[BegunChange]:
        """Returns the changes that other runs have started since then, the oldest first."""
        ...

    def acknowledge(self, shard: str, *, actor: str) -> None:
        """Ends the cooldowns of a shard."""
        ...

    def acknowledged(self, shard: str) -> datetime | None:
        """Returns when the cooldowns of a shard were last ended."""
        ...

    def finish(self, run_id: str, what: str, outcome: str) -> None: ...

    def lease(self, shard: str, run_id: str) -> int | None:
        """Acquires the lease of a shard and returns its fencing token, or None when another run holds it.

        Each time the token is a higher one, and the ones before are fenced off, of the same run too.
        """
        ...

    def renew(self, shard: str, run_id: str, token: int) -> bool:
        """Extends the lease; False when the token is not the newest one."""
        ...

    def release(self, shard: str, run_id: str, token: int | None = None) -> None:
        """Releases the lease of a run; with a token only the lease of that token, not one that the run took later."""
        ...

    def holder(self, shard: str, *, besides: str) -> tuple[str, datetime] | None:
        """Returns the other run that holds the shard, and until when."""
        ...

    def halts(self) -> Sequence[Halt]:
        """Returns all halts, at most one for each scope."""
        ...

    def set_halt(self, halt: Halt, *, actor: str) -> None: ...

    def lift_halt(self, scope: str, *, actor: str) -> bool:
        """Lifts the halt of a scope; False when there is none."""
        ...

    def audit(self, event: str, *, actor: str, subject: str, **data: Any) -> None: ...  # noqa: ANN401
