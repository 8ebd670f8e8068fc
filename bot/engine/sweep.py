"""One diagnostic over many instances at once; a slow or dead one does not hold up the others."""

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
from actions.contract import Diagnostic, Endpoint, Prometheus, Unreadable
from bot.engine.ports import Fleet
from bot.engine.target_selection import out_of_place
from bot.engine.targets import Target
from bot.errors import Busy, FirstmateError, WrongUsage
from bot.runbook.language.signatures import UnknownAction, coerce, did_you_mean, of_diagnostic

log = logging.getLogger(__name__)

WORKERS = 64
"""Instances that are asked at the same time: on loopback 32, 64 and 128 take as long, and far hosts want more."""
MOST_THREADS = 512
"""Threads of one sweep, those that wait for a slow instance counted."""
PATIENCE = 0.5
"""Seconds after which an instance counts as slow: another thread takes the place of the one that waits for it."""
DEADLINE = 10.0
"""Seconds after which an instance that has not answered is given up."""
WITHIN = 60.0
"""Seconds of a whole sweep; what was not asked by then is not asked any more."""
MOST_COSTLY = 5
"""Instances that a costly diagnostic is asked of at once."""
TICK = 0.02
"""Seconds between two looks at who is slow."""

Progress = Callable[[int, int], None]
"""Is told how many instances are done, of how many."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one instance answered, or why it did not."""

    target: Target
    evidence: Any = None
    missing: str = ""
    """Why there is no evidence; '' where there is."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What became of a sweep, in the order of its targets."""

    diagnostic: str
    looks: tuple[Look, ...]
    took: float
    """Seconds."""


@dataclass
class Sweeps:
    """Sweeps over the fleet."""

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
        """Asks a diagnostic of every target; raises WrongUsage for what cannot be swept."""
        diagnostic, parameters = sweepable(name, given or {}, len(targets))
        for says in filter(None, (out_of_place(name, diagnostic.reader, target) for target in targets)):
            raise WrongUsage(f"{says.partition(';')[0]}; the selector takes proxies with role=proxy alone.")
        begun = time.monotonic()
        crew = _Crew(targets, lambda target: self._look(name, diagnostic, parameters, target), self.workers)
        crew.run(self.patience, self.deadline, begun + self.within, progress)
        return Swept(name, crew.looks(), time.monotonic() - begun)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Lets one caller sweep at a time; raises Busy, since who waits would keep others from being answered."""
        if not self._busy.acquire(blocking=False):
            raise Busy("A sweep is under way; ask again when its card stands, in a minute at most.")
        try:
            yield
        finally:
            self._busy.release()

    def _look(self, name: str, diagnostic: Diagnostic, parameters: Mapping[str, object], target: Target) -> Look:
        """Asks one instance; every failure becomes the sentence why there is no evidence."""
        try:
            if diagnostic.reader is Endpoint:
                return Look(target, diagnostic(self.fleet.endpoint(target.shard, target.instance), **parameters))
            with self.fleet.read(target.shard, target.instance, diagnostic.reader) as db:
                return Look(target, diagnostic(db, **parameters))
        except (FirstmateError, Unreadable) as error:
            return Look(target, missing=str(error) or type(error).__name__)
        except Exception as error:
            # The edge of the thread: a row that no diagnostic expected must not take the other hosts with it.
            log.exception("%s of %s broke", name, target.name)
            says = f"{name} could not make sense of the answer ({type(error).__name__}); the log has more."
            return Look(target, missing=says)


def sweepable(name: str, given: Mapping[str, object], targets: int) -> tuple[Diagnostic, Mapping[str, object]]:
    """The diagnostic with its parameters as it takes them; raises WrongUsage with the reason why it is not swept."""
    try:
        signature = of_diagnostic(name)
    except UnknownAction as error:
        says = f"There is no diagnostic {name!r}{did_you_mean(name, catalog.DIAGNOSTICS) or '.'}"
        raise WrongUsage(f"{says} The command firstmate actions lists them.") from error
    diagnostic = catalog.DIAGNOSTICS[name]
    if diagnostic.reader is Prometheus:
        raise WrongUsage(
            f"{name} asks Prometheus, which answers for all hosts at once; nothing is swept. Ask it in a runbook, or "
            "sweep a diagnostic that asks the hosts."
        )
    if diagnostic.costly and targets > MOST_COSTLY:
        raise WrongUsage(
            f"{name} can stall a server, so it is asked of {MOST_COSTLY} instances at once at most, not of {targets}. "
            "Narrow the selector."
        )
    for each in given:
        if each not in signature.parameters:
            raise WrongUsage(f"{name} has no parameter {each!r}{did_you_mean(each, signature.parameters)}")
    missing = sorted(signature.required - given.keys())
    if missing:
        raise WrongUsage(f"{name} needs {', '.join(missing)}; give it with --with {missing[0]}=VALUE.")
    try:
        return diagnostic, {each: coerce(signature.parameters[each], value) for each, value in given.items()}
    except ValueError as error:
        raise WrongUsage(f"{name}: {error}") from error


class _Crew:
    """The threads of one sweep.

    They are daemons, and nobody waits for one that waits for its instance: a socket's own timeout ends it.
    """

    def __init__(self, targets: Sequence[Target], look: Callable[[Target], Look], workers: int) -> None:
        self._targets = targets
        self._look = look
        self._workers = workers
        self._waiting = deque(range(len(targets)))
        self._begun: dict[int, float] = {}
        """When the look at a target began, as long as its thread is at it."""
        self._replaced: set[int] = set()
        """Targets for whose thread another one was started."""
        self._looks: dict[int, Look] = {}
        self._threads = 0
        self._lock = threading.Lock()
        self._settled = threading.Event()

    def run(self, patience: float, deadline: float, end: float, progress: Progress) -> None:
        """Returns when every target has answered or was given up, at `end` at the latest."""
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
            progress(len(self._looks), len(self._targets))
        progress(len(self._looks), len(self._targets))

    def looks(self) -> tuple[Look, ...]:
        return tuple(self._looks[number] for number in range(len(self._targets)))

    def _start(self, count: int) -> None:
        for _ in range(min(count, MOST_THREADS - self._threads)):
            self._threads += 1
            threading.Thread(target=self._work, name="sweep", daemon=True).start()

    def _work(self) -> None:
        """Looks at one target after the other, until none is left or another thread does it instead."""
        number = -1
        while True:
            with self._lock:
                if number in self._replaced or not self._waiting:
                    self._threads -= 1
                    return
                number = self._waiting.popleft()
                self._begun[number] = time.monotonic()
            look = self._look(self._targets[number])
            with self._lock:
                del self._begun[number]
                self._book(number, look)

    def _book(self, number: int, look: Look) -> None:
        """Keeps the first word about a target; one that was given up stays so."""
        self._looks.setdefault(number, look)
        if len(self._looks) == len(self._targets):
            self._settled.set()

    def _give_up(self, now: float, deadline: float) -> None:
        for number, begun in self._begun.items():
            if now - begun >= deadline and number not in self._looks:
                self._book(number, Look(self._targets[number], missing=f"It did not answer within {deadline:g} s."))

    def _replace_slow(self, now: float, patience: float) -> None:
        slow = [n for n, begun in self._begun.items() if now - begun >= patience and n not in self._replaced]
        for number in slow[: len(self._waiting)]:
            if self._threads < MOST_THREADS:
                self._replaced.add(number)
                self._start(1)

    def _close(self) -> None:
        """The sweep's own time is over: what is under way is given up, and nothing more is begun."""
        self._waiting.clear()
        for number, target in enumerate(self._targets):
            at_it = number in self._begun
            says = "It did not answer in the sweep's time." if at_it else "It was not asked: the sweep's time was over."
            self._book(number, Look(target, missing=says))
