"""Gathers the evidence of a runbook: steps in parallel, each with a time limit, at most two connections per host."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

from actions import catalog
from actions.contract import MySQL, Unreadable
from actions.endpoint_contract import Endpoint
from actions.prometheus_contract import Prometheus
from actions.shard_contract import ShardMembers
from actions.vitess_contract import Vitess
from bot.config import Tablet
from bot.engine.evidence_memory import EvidenceMemory
from bot.engine.ports import Fleet
from bot.engine.run import Step, StepStatus
from bot.engine.server_kinds import ServerKinds
from bot.engine.target_selection import described, out_of_place, places
from bot.engine.targets import Target
from bot.errors import FirstmateError
from bot.runbook.diagnosis.gather_steps import needs, step_items, step_parameters, step_runs
from bot.runbook.expressions.evaluation import EvidenceMissing, Missing
from bot.runbook.language.gather_schema import GatherStep
from bot.runbook.language.schema import Runbook

log = logging.getLogger(__name__)

T = TypeVar("T")

Progress = Callable[[tuple[Step, ...]], None]

PER_HOST = 2
"""Connections to one server at a time, so that a server in trouble does not get ten more."""
WORKERS = 16
SLOWEST = 10.0
"""Seconds after which a step counts as failed, whatever its own limit is."""
MOST_UNREAD = 3
"""Unreachable sources of one step that are named."""
PAUSE = 0.2
"""Seconds between two attempts of one step."""


@dataclass(frozen=True)
class Gathered:
    """The steps for the card, and the evidence by step for the expressions."""

    steps: tuple[Step, ...]
    evidence: Mapping[str, object]
    """The diagnostic's own dataclass, a list of them, or Missing with the reason."""


@dataclass
class Gatherer:
    """Runs the gather steps of runbooks on the fleet."""

    fleet: Fleet
    kinds: ServerKinds = field(init=False)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(WORKERS, "gather"))
    _hosts: defaultdict[str, threading.BoundedSemaphore] = field(
        default_factory=lambda: defaultdict(lambda: threading.BoundedSemaphore(PER_HOST))
    )

    def __post_init__(self) -> None:
        self.kinds = ServerKinds(self.fleet)

    def gather(
        self,
        runbook: Runbook,
        target: Target | None,
        inputs: Mapping[str, object],
        labels: Mapping[str, str],
        progress: Progress,
        given: Mapping[str, object] | None = None,
        memory: EvidenceMemory | None = None,
    ) -> Gathered:
        """Runs every step as soon as the steps that it refers to have ended; calls `progress` after each.

        A step whose evidence is in `given`, by its name, does not run. What `memory` knows is not asked again.
        """
        memory = memory or EvidenceMemory()
        steps = {name: Step(name, step.use, described(step.on)) for name, step in runbook.gather.items()}
        evidence: dict[str, object] = {}
        if target is None:
            reason = "the alert's instance is not in the inventory"
            steps = {name: replace(s, status=StepStatus.SKIPPED, says=reason) for name, s in steps.items()}
            return Gathered(tuple(steps.values()), {name: Missing(name, reason) for name in steps})
        scope = {"labels": dict(labels), "inputs": dict(inputs), "target": view(target)}
        for name, seen in (given or {}).items():
            steps[name] = replace(steps[name], status=StepStatus.DONE, evidence=as_json(seen))
            evidence[name] = seen
        waiting = {name: step for name, step in runbook.gather.items() if name not in evidence}
        running: dict[Future[tuple[Step, object]], tuple[str, float]] = {}
        while waiting or running:
            for name in [n for n, s in waiting.items() if needs(s, steps) <= evidence.keys()]:
                asked = waiting.pop(name)
                here = {**scope, **evidence}
                deadline = time.monotonic() + min(asked.timeout * 2 + 1, SLOWEST)
                running[self._pool.submit(self._one, name, asked, target, here, deadline, memory)] = (name, deadline)
            self._take(running, steps, evidence)
            progress(tuple(steps.values()))
        return Gathered(tuple(steps.values()), evidence)

    def _take(
        self,
        running: dict[Future[tuple[Step, object]], tuple[str, float]],
        steps: dict[str, Step],
        evidence: dict[str, object],
    ) -> None:
        """Waits for the next step to end, or for the first deadline, and records the results."""
        soonest = min(deadline for _, deadline in running.values())
        done, _ = wait(running, timeout=max(0.0, soonest - time.monotonic()), return_when=FIRST_COMPLETED)
        for future in done:
            name, _ = running.pop(future)
            steps[name], evidence[name] = future.result()
        for future, (name, deadline) in list(running.items()):
            if time.monotonic() >= deadline:
                # Its thread ends with the timeout of its socket; the result is ignored.
                del running[future]
                reason = "no response within its time limit"
                steps[name] = replace(steps[name], status=StepStatus.FAILED, says=reason)
                evidence[name] = Missing(name, reason)

    def _one(
        self,
        name: str,
        asked: GatherStep,
        target: Target,
        scope: Mapping[str, object],
        deadline: float,
        memory: EvidenceMemory,
    ) -> tuple[Step, object]:
        """Runs one step; an error becomes the sentence of the step."""
        begun = time.monotonic()
        step = Step(name, asked.use, described(asked.on))
        try:
            if not step_runs(asked, scope):
                reason = "not needed"
                return replace(step, status=StepStatus.SKIPPED, says=reason), Missing(name, reason)
            found, failures = self._asked(asked, target, scope, deadline, memory)
            shown = as_json(found)
        except (FirstmateError, Unreadable, EvidenceMissing) as error:
            reason = str(error)
        except Exception as error:
            # The edge of the step's thread: an unexpected row must not end the other steps.
            log.exception("step %s (%s) of %s failed", name, asked.use, target.name)
            reason = f"{asked.use} could not interpret the answer ({type(error).__name__}); the bot's log has details."
        else:
            took = time.monotonic() - begun
            says = _sentences((*failures, *unread(found)))
            return replace(step, status=StepStatus.DONE, says=says, took=took, evidence=shown), found
        took = time.monotonic() - begun
        return replace(step, status=StepStatus.FAILED, says=reason, took=took), Missing(name, reason)

    def _asked(
        self,
        asked: GatherStep,
        target: Target,
        scope: Mapping[str, object],
        deadline: float,
        memory: EvidenceMemory,
    ) -> tuple[object, tuple[str, ...]]:
        """Asks once, or once for each item in turn; names what was left out."""
        if asked.each is None:
            parameters = step_parameters(asked, scope)
            known = memory.recall(asked, parameters)
            if known is None:
                known = self._ask(asked, target, parameters, deadline)
                memory.keep(asked, parameters, known)
            return known
        items = step_items(asked, scope)
        found, failures = [], []
        for item in items[: asked.limit]:
            try:
                answer, _ = self._ask(asked, target, step_parameters(asked, {**scope, "item": item}), deadline)
                found.append(answer)
            except (FirstmateError, Unreadable) as error:
                failures.append(str(error))
        if failures and not found:
            raise Unreadable(_sentences(failures[:3]))
        if len(items) > asked.limit:
            failures.append(f"only {asked.limit} of {len(items)} items were checked")
        return found, tuple(failures)

    def _ask(
        self, asked: GatherStep, target: Target, parameters: Mapping[str, Any], deadline: float
    ) -> tuple[object, tuple[str, ...]]:
        diagnostic = catalog.DIAGNOSTICS[asked.use]
        if diagnostic.reader is Prometheus:
            prometheus = self.fleet.prometheus
            if prometheus is None:
                raise Unreadable("No Prometheus is configured; set prometheus.url in firstmate.yml.")
            return _tried(asked, lambda: diagnostic(prometheus, **parameters), deadline), ()
        asked_of = places(asked.on, target, self.fleet.targets())
        if asked.many_places:
            return self._ask_many(asked, asked_of, parameters, deadline)
        return self._ask_one(asked, asked_of[0], parameters, deadline), ()

    def _ask_many(
        self,
        asked: GatherStep,
        targets: tuple[Target, ...],
        parameters: Mapping[str, Any],
        deadline: float,
    ) -> tuple[object, tuple[str, ...]]:
        """Asks several instances in turn; names those that do not answer, and returns the answers of the others."""
        found, failures = [], []
        for target in targets:
            try:
                found.append(_named(self._ask_one(asked, target, parameters, deadline), target))
            except (FirstmateError, Unreadable) as error:
                failures.append(f"{target.name}: {error}")
        if failures and not found:
            raise Unreadable(_sentences(failures))
        return found, tuple(failures)

    def _ask_one(self, asked: GatherStep, target: Target, parameters: Mapping[str, Any], deadline: float) -> object:
        """Asks one instance, with a new connection for each attempt."""
        diagnostic = catalog.DIAGNOSTICS[asked.use]
        stranger = out_of_place(asked.use, diagnostic.reader, target)
        if stranger:
            raise Unreadable(stranger)

        def ask() -> object:
            if diagnostic.reader is Endpoint:
                return diagnostic(self.fleet.endpoint(target.shard, target.instance), **parameters)
            if diagnostic.reader is ShardMembers:
                return diagnostic(self.fleet.members(target.shard), **parameters)
            with self._reader(target, diagnostic.reader) as db:
                return diagnostic(db, **parameters)

        return _tried(asked, ask, deadline)

    @contextmanager
    def _reader(self, target: Target, reader: type) -> Iterator[MySQL]:
        """Opens a reader of one instance, within the limit of its host; a reader of Vitess limits itself."""
        limit = nullcontext() if reader is Vitess else self._hosts[target.instance.address]
        with limit, self.fleet.read(target.shard, target.instance, reader) as db:
            yield db

    def close(self) -> None:
        self.kinds.close()
        self._pool.shutdown(wait=False, cancel_futures=True)


def _tried(asked: GatherStep, ask: Callable[[], T], deadline: float) -> T:
    """Asks, with as many retries as the step allows before its deadline; raises what the last attempt raised.

    A costly diagnostic is asked once, because each attempt costs the server as much.
    """
    left = 0 if catalog.DIAGNOSTICS[asked.use].costly else asked.retries
    while True:
        try:
            return ask()
        except (FirstmateError, Unreadable):
            if left == 0 or time.monotonic() + PAUSE >= deadline:
                raise
        left -= 1
        time.sleep(PAUSE)


def _named(answer: object, target: Target) -> object:
    """Returns the answer of one of several servers with the server's name, if its record has a `name` without a value.

    Servers do not know their names in the inventory.
    """
    if not is_dataclass(answer) or isinstance(answer, type):
        return answer
    unnamed = any(each.name == "name" for each in fields(answer)) and getattr(answer, "name", None) == ""
    return replace(answer, name=target.name) if unnamed else answer


def unread(found: object) -> tuple[str, ...]:
    """Returns the sources that the evidence reports as unreachable, while others answered."""
    records = found if isinstance(found, list) else [found]
    told = [str(text) for record in records for text in getattr(record, "missing", ())]
    return tuple(dict.fromkeys(told))[:MOST_UNREAD]


def view(target: Target) -> dict[str, object]:
    """Returns what expressions can read of the target."""
    return {
        "name": target.name,
        "address": target.instance.address,
        "role": target.instance.role.value,
        "shard": target.shard.name,
        "flavour": target.shard.flavour,
        "replicas": len(target.replicas),
        "tablet": target.instance.record.alias if isinstance(target.instance, Tablet) else "",
    }


def as_json(found: object) -> Any:  # noqa: ANN401 - JSON
    """Returns evidence as JSON values."""
    if isinstance(found, list):
        return [as_json(item) for item in found]
    kind: type = type(found)
    return _adapter(kind).dump_python(found, mode="json")


@lru_cache(maxsize=512)
def _adapter(kind: type) -> TypeAdapter[Any]:
    """Cached, because building an adapter takes longer than a thousand uses of it."""
    return TypeAdapter(kind)


def _sentences(parts: Iterable[str]) -> str:
    """Joins texts as sentences."""
    return " ".join(part if part.endswith((".", "!", "?", "…")) else f"{part}." for part in parts)
