"""Asks all members of a shard in parallel, each at most once, within a time limit for all of them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TimedOut
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeVar

from actions.contract import MySQL, Seconds, Unreadable
from actions.shard_contract import MemberAnswer
from bot.config import Instance, Shard
from bot.errors import FirstmateError

log = logging.getLogger(__name__)

T = TypeVar("T")

WITHIN = 5.0
"""Seconds until all members must have answered."""
AT_ONCE = 16
"""Members asked at the same time."""


@dataclass(frozen=True, slots=True)
class MembersOfShard:
    """Implements actions.shard_contract.ShardMembers with the readers of a fleet."""

    of: Shard
    read: Callable[[Shard, Instance], AbstractContextManager[MySQL]]
    within: Seconds = WITHIN

    @property
    def shard(self) -> str:
        return self.of.name

    def ask(self, question: Callable[[MySQL], T]) -> tuple[MemberAnswer[T], ...]:
        deadline = time.monotonic() + self.within
        pool = ThreadPoolExecutor(min(AT_ONCE, len(self.of.instances)), "shard")
        try:
            asked = [(each, pool.submit(self._one, each, question)) for each in self.of.instances]
            return tuple(_answer(instance, future, deadline) for instance, future in asked)
        finally:
            # A thread that is left ends with the timeouts of its socket.
            pool.shutdown(wait=False, cancel_futures=True)

    def _one(self, instance: Instance, question: Callable[[MySQL], T]) -> T:
        with self.read(self.of, instance) as db:
            return question(db)


def _answer(instance: Instance, future: Future[T], deadline: float) -> MemberAnswer[T]:
    name, address, role = instance.name, instance.address, instance.role.value
    try:
        return MemberAnswer(name, address, role, future.result(max(0.0, deadline - time.monotonic())))
    except TimedOut:
        return MemberAnswer(name, address, role, missing=f"{address} did not answer within {WITHIN:.0f} s.")
    except (FirstmateError, Unreadable) as error:
        return MemberAnswer(name, address, role, missing=str(error))
    except Exception as error:
        # The edge of the thread: an unexpected row of one member must not hide the others.
        log.exception("the role of %s could not be read", name)
        says = f"The answer of {address} could not be interpreted ({type(error).__name__}); the log has details."
        return MemberAnswer(name, address, role, missing=says)
