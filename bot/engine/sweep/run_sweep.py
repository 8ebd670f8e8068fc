"""Runs one diagnostic on many instances at once; slow or dead instances do not delay the others."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from actions import catalog
from actions.contract import Diagnostic, Unreadable
from actions.endpoint_contract import Endpoint
from actions.prometheus_contract import Prometheus
from actions.shard_contract import ShardMembers
from bot.engine.ports import Fleet
from bot.engine.target_selection import out_of_place
from bot.engine.targets import Target
from bot.errors import Busy, FirstmateError, WrongUsage
from bot.runbook.language.signatures import UnknownAction, coerce, did_you_mean, of_diagnostic

log = logging.getLogger(__name__)

WORKERS = 64
"""Instances asked at the same time. On loopback 32, 64 and 128 take equally long; remote hosts benefit from more."""
MOST_THREADS = 512
"""Threads of one sweep, including those that wait for slow instances."""
PATIENCE = 0.5
"""Seconds after which an instance counts as slow, and another thread replaces the one that waits for it."""
DEADLINE = 10.0
"""Seconds that an instance has to answer."""
WITHIN = 60.0
"""Seconds of a whole sweep; instances that were not asked by then are not asked."""
MOST_COSTLY = 5
"""The most instances on which one sweep runs a costly diagnostic."""
TICK = 0.02
"""Seconds between two checks for slow instances."""

Progress = Callable[[int, int], None]
"""Called with the number of instances that are done, and of all."""


@dataclass(frozen=True, slots=True)
class HostAnswer:
    """What one instance answered, or why it did not."""

    target: Target
    evidence: Any = None
    missing: str = ""
    """Why there is no evidence; '' if there is."""


@dataclass(frozen=True, slots=True)
class Swept:
    """The result of a sweep, in the order of its targets."""

    diagnostic: str
    answers: tuple[HostAnswer, ...]
    took: float
    """Seconds."""


@dataclass
class Sweeps:
    """Sweeps the fleet."""

    fleet: Fleet
    workers: int = WORKERS
    patience: float = PATIENCE
    deadline: float = DEADLINE
    within: float = WITHIN
    _busy: threading.Lock = field(default_factory=threading.Lock)

    def sweep(
        self,
        name: str,
        targets: Sequence[Target],
        given: Mapping[str, object] | None = None,
        progress: Progress = lambda done, of: None,
    ) -> Swept:
        """Runs a diagnostic on every target; raises WrongUsage for one that cannot be swept."""
        diagnostic, parameters = sweepable(name, given or {}, len(targets))
        for says in filter(None, (out_of_place(name, diagnostic.reader, target) for target in targets)):
            raise WrongUsage(f"{says.partition(';')[0]}; select proxies with role=proxy only.")
        begun = time.monotonic()
        workers = _Workers(targets, lambda target: self._ask(name, diagnostic, parameters, target), self.workers)
        workers.run(self.patience, self.deadline, begun + self.within, progress)
        return Swept(name, workers.answers(), time.monotonic() - begun)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Allows one sweep at a time; raises Busy instead of waiting, which would occupy a listener thread."""
        if not self._busy.acquire(blocking=False):
            raise Busy("Another sweep is in progress and takes at most a minute. Try again when its card is posted.")
        try:
            yield
        finally:
            self._busy.release()

    def _ask(self, name: str, diagnostic: Diagnostic, parameters: Mapping[str, object], target: Target) -> HostAnswer:
        """Asks one instance; an error becomes the reason why there is no evidence."""
        try:
            if diagnostic.reader is Endpoint:
                return HostAnswer(target, diagnostic(self.fleet.endpoint(target.shard, target.instance), **parameters))
            if diagnostic.reader is ShardMembers:
                return HostAnswer(target, diagnostic(self.fleet.members(target.shard), **parameters))
            with self.fleet.read(target.shard, target.instance, diagnostic.reader) as db:
                return HostAnswer(target, diagnostic(db, **parameters))
        except (FirstmateError, Unreadable) as error:
            return HostAnswer(target, missing=str(error) or type(error).__name__)
        except Exception as error:
            # The edge of the thread: an unexpected row must not end the sweep of the other hosts.
            log.exception("%s of %s failed", name, target.name)
            says = f"{name} could not interpret the answer ({type(error).__name__}); the log has details."
            return HostAnswer(target, missing=says)


def sweepable(name: str, given: Mapping[str, object], targets: int) -> tuple[Diagnostic, Mapping[str, object]]:
    """Returns the diagnostic and its parameters with their types; raises WrongUsage if it cannot be swept."""
    try:
        signature = of_diagnostic(name)
    except UnknownAction as error:
        says = f"There is no diagnostic {name!r}{did_you_mean(name, catalog.DIAGNOSTICS) or '.'}"
        raise WrongUsage(f"{says} List them with firstmate actions.") from error
    diagnostic = catalog.DIAGNOSTICS[name]
    if diagnostic.reader is Prometheus:
        raise WrongUsage(
            f"{name} asks Prometheus, which answers for all hosts at once, so it cannot be swept. Use it in a runbook, "
            "or sweep a diagnostic that asks the hosts."
        )
    if diagnostic.costly and targets > MOST_COSTLY:
        raise WrongUsage(
            f"{name} can stall a server, so a sweep runs it on at most {MOST_COSTLY} instances; the selector matches "
            f"{targets}. Narrow the selector."
        )
    for each in given:
        if each not in signature.parameters:
            raise WrongUsage(f"{name} has no parameter {each!r}{did_you_mean(each, signature.parameters) or '.'}")
    missing = sorted(signature.required - given.keys())
    if missing:
        raise WrongUsage(f"{name} needs {', '.join(missing)}. Add --with {missing[0]}=VALUE.")
    try:
        return diagnostic, {each: coerce(signature.parameters[each], value) for each, value in given.items()}
    except ValueError as error:
        raise WrongUsage(f"{name}: {error}") from error


class _Workers:
    """The threads of one sweep.

    They are daemons: the sweep ends without those that wait for an instance, which end with their socket's timeout.
    """

    def __init__(self, targets: Sequence[Target], ask: Callable[[Target], HostAnswer], workers: int) -> None:
        self._targets = targets
        self._ask = ask
        self._workers = workers
        self._waiting = deque(range(len(targets)))
        self._begun: dict[int, float] = {}
        """When each target that is being asked was asked."""
        self._replaced: set[int] = set()
        """Targets whose thread was replaced."""
        self._answers: dict[int, HostAnswer] = {}
        self._threads = 0
        self._lock = threading.Lock()
        self._settled = threading.Event()

    def run(self, patience: float, deadline: float, end: float, progress: Progress) -> None:
        """Returns when every target has answered or failed, at `end` at the latest."""
        with self._lock:
            self._start(min(self._workers, len(self._targets)))
        if not self._targets:
            return
        while not self._settled.wait(TICK):
            now = time.monotonic()
            with self._lock:
                self._give_up(now, deadline)
                self._replace_slow(now, patience)
                if now >= end:
                    self._close()
            progress(len(self._answers), len(self._targets))
        progress(len(self._answers), len(self._targets))

    def answers(self) -> tuple[HostAnswer, ...]:
        """Returns the answers in the order of the targets."""
        return tuple(self._answers[number] for number in range(len(self._targets)))

    def _start(self, count: int) -> None:
        for _ in range(min(count, MOST_THREADS - self._threads)):
            self._threads += 1
            threading.Thread(target=self._work, name="sweep", daemon=True).start()

    def _work(self) -> None:
        """Asks one target after the other, until none is left or this thread was replaced."""
        number = -1
        while True:
            with self._lock:
                if number in self._replaced or not self._waiting:
                    self._threads -= 1
                    return
                number = self._waiting.popleft()
                self._begun[number] = time.monotonic()
            answer = self._ask(self._targets[number])
            with self._lock:
                del self._begun[number]
                self._record(number, answer)

    def _record(self, number: int, answer: HostAnswer) -> None:
        """Keeps the first answer of a target: a target that was given up stays so."""
        self._answers.setdefault(number, answer)
        if len(self._answers) == len(self._targets):
            self._settled.set()

    def _give_up(self, now: float, deadline: float) -> None:
        for number, begun in self._begun.items():
            if now - begun >= deadline and number not in self._answers:
                self._record(
                    number, HostAnswer(self._targets[number], missing=f"It did not respond within {deadline:g} s.")
                )

    def _replace_slow(self, now: float, patience: float) -> None:
        slow = [n for n, begun in self._begun.items() if now - begun >= patience and n not in self._replaced]
        for number in slow[: len(self._waiting)]:
            if self._threads < MOST_THREADS:
                self._replaced.add(number)
                self._start(1)

    def _close(self) -> None:
        """Ends the sweep at its time limit: gives up the targets under way, and asks no others."""
        self._waiting.clear()
        for number, target in enumerate(self._targets):
            at_it = number in self._begun
            says = (
                "It did not respond within the time limit of the sweep."
                if at_it
                else "It was not asked: the sweep had reached its time limit."
            )
            self._record(number, HostAnswer(target, missing=says))
