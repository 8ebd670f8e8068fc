"""Executes, verifies and restores one change. Executes only the planned statements."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from actions.contract import Remediation, Statement, Unreadable, Verification
from bot.engine.plan import Change
from bot.engine.ports import Changer
from bot.errors import FirstmateError, NotAllowed


class NotAsPlanned(NotAllowed):
    """The change differs from the approved one; the message says where."""


def make(changer: Changer, remediation: Remediation, approved: Change, *, tag: str) -> int:
    """Makes the change and returns how many statements ran.

    Each statement is compared with the approved one just before it runs; the first that differs stops the change with
    NotAsPlanned, which says what ran until then. A remediation that narrows may leave out approved ones.
    """
    ran, left = 0, list(approved.statements)
    for statement in remediation.change(changer.reader):
        if remediation.narrows and str(statement) in left:
            left = left[left.index(str(statement)) :]
        if not left or str(statement) != left.pop(0):
            raise NotAsPlanned(
                f"The change on {approved.target} stopped: it would now run {str(statement)!r}, which was not "
                f"approved. {_so_far(ran)} Start a new run to plan it again."
            )
        changer.execute(statement, tag=tag)
        ran += 1
    if left and not remediation.narrows:
        raise NotAsPlanned(
            f"The change on {approved.target} stopped before the approved statement {left[0]!r} ran: the server's "
            f"state changed. {_so_far(ran)} Check the server before you start a new run."
        )
    return ran


def restore(changer: Changer, remediation: Remediation, approved: Change, *, tag: str) -> int:
    """Runs the undo statements of the change and returns how many ran.

    What is restored must still be ours: where the change does not hold any more, somebody else has been here since,
    and nothing is touched (NotAsPlanned).
    """
    verified = remediation.still_made(changer.reader)
    if not verified.ok:
        raise NotAsPlanned(
            f"{approved.target} changed after Firstmate's change ({verified.says.removesuffix('.')}). Nothing was "
            "restored. Check the current value and restore it manually."
        )
    for text in approved.undo:
        changer.execute(Statement(text), tag=tag)
    return len(approved.undo)


@dataclass(frozen=True, slots=True)
class Verifier:
    """Verifies a remediation repeatedly until the result is settled or its time is over."""

    read: Callable[[Remediation], Verification]
    pause: float = 0.5
    """Seconds between two verifications."""
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def verify(self, remediation: Remediation) -> Verification:
        """Returns the settled result; one that never settles counts as failed, with the last result."""
        deadline = self.clock() + remediation.settles_within
        good_since: float | None = None
        while True:
            try:
                verdict = self.read(remediation)
            except (FirstmateError, Unreadable) as error:
                verdict = Verification(ok=False, says=str(error), settled=False)
            now = self.clock()
            good_since = (good_since if good_since is not None else now) if verdict.ok else None
            lasted = good_since is not None and now - good_since >= remediation.holds_for
            if verdict.settled and (lasted or not verdict.ok):
                return verdict
            if now >= deadline and not (verdict.ok and verdict.settled):
                checked = f"{verdict.says} (checked for {remediation.settles_within:g} s)"
                return replace(verdict, ok=False, says=checked, settled=True)
            self.sleep(self.pause)


def _so_far(ran: int) -> str:
    return "No statement ran." if ran == 0 else f"{ran} statement{'s' if ran > 1 else ''} ran before it."
