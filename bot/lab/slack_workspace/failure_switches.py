"""Switches that make the workspace fail on purpose, for tests and game days."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

When = Literal["before", "after"]


@dataclass(slots=True)
class FailureSwitch:
    """One prepared failure of a Web API method.

    `status` 0 breaks the connection off in the middle of the answer, 200 with `error` answers `ok: false`, others are
    sent as they are. With `when` "after" the call is carried out first and only its answer is lost.
    """

    method: str
    status: int = 500
    times: int = 1
    retry_after: int | None = None
    error: str | None = None
    when: When = "before"


class FailureSwitches:
    """The prepared failures, first come first served."""

    def __init__(self) -> None:
        self._next: list[FailureSwitch] = []
        self._answering = asyncio.Event()
        self._answering.set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def fail_next(
        self,
        method: str,
        status: int = 500,
        times: int = 1,
        retry_after: int | None = None,
        error: str | None = None,
        when: When = "before",
    ) -> None:
        """Makes the next `times` calls of the method fail; `*` stands for any method."""
        self._next.append(FailureSwitch(method, status, times, retry_after, error, when))

    def clear(self) -> None:
        """Takes back every prepared failure and answers again."""
        self._next.clear()
        self.answer(True)

    def take(self, method: str) -> FailureSwitch | None:
        """Gives the failure that is prepared for this call, and counts it off."""
        for failure in self._next:
            if failure.method in (method, "*"):
                failure.times -= 1
                if failure.times <= 0:
                    self._next.remove(failure)
                return failure
        return None

    def answer(self, answering: bool) -> None:
        """Stops answering the Web API (calls hang, connections stay open), or begins again."""
        change = self._answering.set if answering else self._answering.clear
        if self._loop is None:
            change()
        else:
            self._loop.call_soon_threadsafe(change)

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Tells on which loop the calls wait."""
        self._loop = loop

    async def until_answering(self) -> None:
        """Waits while the workspace does not answer."""
        await self._answering.wait()
