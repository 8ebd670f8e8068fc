"""Finds out what kind of server a target is, from the server itself, with one short read that several runs share."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from actions.contract import MySQL, Unreadable
from actions.diagnostics.mysql.server_kind import ServerKind, server_kind
from bot.config import Tablet
from bot.engine.ports import Fleet
from bot.engine.targets import Target
from bot.errors import FirstmateError
from bot.runbook.language.kinds import Kind, KnownKinds

log = logging.getLogger(__name__)

LIMIT = 1.0
"""Seconds after which the kind is unknown; a server that hangs must not hold up its own diagnosis."""
SHARED_FOR = 2.0
"""Seconds for which runs share what was read, so that a storm of alerts about one server reads it once."""


@dataclass(frozen=True, slots=True)
class ReadKind:
    """What a read has found: the kinds, and the evidence of mysql.server_kind, or None if there is none."""

    known: KnownKinds
    evidence: ServerKind | None = None


def kinds_of(found: ServerKind) -> KnownKinds:
    """Returns the kinds of a server by its own answer."""
    kinds: list[Kind] = [found.kind]
    also: tuple[tuple[Kind, bool], ...] = (
        ("managed", found.managed),
        ("delayed", found.delay > 0),
        ("offline", found.offline),
        ("recovering", found.recovering),
        ("provisioning", found.provisioning),
    )
    kinds += [kind for kind, holds in also if holds]
    return KnownKinds(tuple(kinds), found.service_name)


def without_reading(target: Target) -> KnownKinds | None:
    """Returns the kinds of a target that the inventory alone decides: a tablet, or a proxy, which has none."""
    if target.is_proxy:
        return KnownKinds()
    return KnownKinds(("tablet",)) if isinstance(target.instance, Tablet) else None


def read_kinds(db: MySQL, target: Target) -> ReadKind:
    """Reads the kind of a target on an open connection; what cannot be read makes it unknown."""
    decided = without_reading(target)
    if decided is not None:
        return ReadKind(decided)
    try:
        found = server_kind(db)
        return ReadKind(kinds_of(found), found)
    except (FirstmateError, Unreadable) as error:
        return ReadKind(KnownKinds(unknown=_sentence(str(error))))
    except Exception as error:
        # The edge of the read: an unexpected row makes the kind unknown, and nothing else.
        log.exception("the kind of %s could not be interpreted", target.name)
        return ReadKind(KnownKinds(unknown=f"its answer could not be interpreted ({type(error).__name__})."))


@dataclass
class ServerKinds:
    """Reads the kinds of servers; safe to share between threads."""

    fleet: Fleet
    limit: float = LIMIT
    shared_for: float = SHARED_FOR
    clock: Callable[[], float] = time.monotonic
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(8, "kind"))
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _reads: dict[str, tuple[float, Future[ReadKind]]] = field(default_factory=dict)

    def of(self, target: Target) -> ReadKind:
        """Returns the kind of a target; unknown if the server does not answer within the limit."""
        decided = without_reading(target)
        if decided is not None:
            return ReadKind(decided)
        try:
            return self._begun(target).result(timeout=self.limit)
        except TimeoutError:
            return ReadKind(KnownKinds(unknown=f"it did not answer within {self.limit:g} s."))

    def _begun(self, target: Target) -> Future[ReadKind]:
        """Returns the read of a server that is under way or was just made, or begins one."""
        now, address = self.clock(), target.instance.address
        with self._lock:
            self._reads = {each: read for each, read in self._reads.items() if now - read[0] < self.shared_for}
            if address not in self._reads:
                self._reads[address] = (now, self._pool.submit(self._read, target))
            return self._reads[address][1]

    def _read(self, target: Target) -> ReadKind:
        try:
            with self.fleet.read(target.shard, target.instance, MySQL) as db:
                return read_kinds(db, target)
        except (FirstmateError, Unreadable) as error:
            return ReadKind(KnownKinds(unknown=_sentence(str(error))))

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
