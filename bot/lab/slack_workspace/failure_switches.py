"""Makes the workspace fail on request, for tests and game days."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

When = Literal["before", "after"]


@dataclass(slots=True)
class FailureSwitch:
    """A failure of the next calls of a Web API method.

    `status` 0 closes the connection in the middle of the answer; 200 with `error` answers `ok: false`; any other is
    sent unchanged. With `when` "after" the call takes effect and only its answer is lost.
    """

    method: str
    status: int = 500
    times: int = 1
    retry_after: int | None = None
    error: str | None = None
    when: When = "before"


class FailureSwitches:
    """The failures to come, in order."""

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
        """Makes the next `times` calls of the method fail; `*` means any method."""
        self._next.append(FailureSwitch(method, status, times, retry_after, error, when))

    def clear(self) -> None:
        """Removes all failures and answers again."""
        self._next.clear()
        self.answer(True)

    def take(self, method: str) -> FailureSwitch | None:
        """Returns the failure for this call and decrements its count; None without one."""
        for failure in self._next:
            if failure.method in (method, "*"):
                failure.times -= 1
                if failure.times <= 0:
                    self._next.remove(failure)
                return failure
        return None

    def answer(self, answering: bool) -> None:
        """Stops answering the Web API, so that calls hang, or resumes."""
        change = self._answering.set if answering else self._answering.clear
        if self._loop is None:
            change()
        else:
            self._loop.call_soon_threadsafe(change)

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Sets the event loop on which calls wait."""
        self._loop = loop

    async def until_answering(self) -> None:
        """Waits until the workspace answers."""
        await self._answering.wait()
