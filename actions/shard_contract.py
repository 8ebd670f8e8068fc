"""The reader that asks all members of a shard at once, for questions that no member can answer alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from actions.contract import MySQL

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class MemberAnswer(Generic[T_co]):
    """What one member of a shard answered, with what the inventory says of it."""

    name: str
    """Its name in the inventory."""
    address: str
    """`host:port` in the inventory."""
    role: str
    """Its role in the inventory: `primary` or `replica`."""
    answer: T_co | None = None
    """None if it did not answer; `missing` then says why."""
    missing: str = ""


class ShardMembers(Protocol):
    """Reads the database servers of one shard in parallel. It cannot write."""

    @property
    def shard(self) -> str:
        """The name of the shard, for messages."""
        ...

    def ask(self, question: Callable[[MySQL], T]) -> tuple[MemberAnswer[T], ...]:
        """Asks every member, in the order of the inventory; never raises for a member that does not answer.

        All answers are in after a few seconds; a member that has not answered by then counts as not answering.
        """
        ...
