"""The change itself: planned by drying it out, made statement by statement, verified, and restored. Executes only what
was planned."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from actions.contract import MySQL, NoUndo, Remediation, Statement, Unreadable, Verdict
from bot.engine.ports import Changer, Identity
from bot.engine.state import Plan, Target
from bot.errors import FirstmateError, NotAllowed

MAX_STATEMENTS = 100
"""A change that yields more is a mistake of the action."""


class NotAsPlanned(NotAllowed):
    """The change would not be what was approved; the sentence says where it differs."""


def plan(
    db: MySQL,
    identity: Identity,
    target: Target,
    remediation: Remediation,
    *,
    remedy: str,
    title: str,
    action: str,
    parameters: dict[str, Any],
) -> Plan:
    """Dries the change out on a reader: the same generator that will make it yields what it would do.

    Raises Refused when the action finds that it should not be made.
    """
    statements = tuple(_bounded(remediation.change(db)))
    try:
        undo = tuple(_bounded(remediation.undo(db)))
        undo_says = "Undone by the statements shown." if undo else "Nothing to restore."
    except NoUndo as none:
        undo, undo_says = (), f"Cannot be undone: {none}"
    return Plan(
        remedy=remedy,
        title=title,
        action=action,
        parameters=parameters,
        target=target.name,
        address=target.instance.address,
        server=identity.server,
        statements=statements,
        undo=undo,
        undo_says=undo_says,
        risk=remediation.risk.value,
        blast_radius=blast_radius(target),
        revert_after=remediation.revert_after,
    )


def blast_radius(target: Target) -> str:
    """What is touched, as a share of the shard."""
    role = target.instance.role.value
    if role == "replica":
        return f"1 of {len(target.replicas)} replicas of {target.shard.name}"
    return f"the primary of {target.shard.name}: all its writes"


def make(changer: Changer, remediation: Remediation, approved: Plan, *, tag: str) -> int:
    """Makes the change and returns how many statements ran.

    Each statement is compared with the approved one just before it runs; the first that differs stops the change with
    NotAsPlanned, which says what ran until then.
    """
    ran = 0
    for statement in remediation.change(changer.reader):
        if ran >= len(approved.statements) or str(statement) != approved.statements[ran]:
            raise NotAsPlanned(
                f"The change on {approved.target} would now run {str(statement)!r}, which was not approved. "
                f"{_so_far(ran)} Ask for a new plan."
            )
        changer.execute(statement, tag=tag)
        ran += 1
    if ran < len(approved.statements):
        raise NotAsPlanned(
            f"The change on {approved.target} ended before {approved.statements[ran]!r}, which was approved. "
            f"{_so_far(ran)} Look at the server before you ask again."
        )
    return ran


def restore(changer: Changer, remediation: Remediation, approved: Plan, *, tag: str) -> int:
    """Runs the undo statements of the plan and returns how many ran.

    What is restored must still be ours: where the change does not hold any more, somebody else has been here since,
    and nothing is touched (NotAsPlanned).
    """
    holds = remediation.verify(changer.reader)
    if not holds.ok:
        raise NotAsPlanned(
            f"{approved.target} is not as the change left it ({holds.says}); somebody changed it since. "
            "Nothing was restored; look at it by hand."
        )
    for text in approved.undo:
        changer.execute(Statement(text), tag=tag)
    return len(approved.undo)


@dataclass(frozen=True, slots=True)
class Verifier:
    """Asks a remediation whether it worked until it is settled or its time is over."""

    read: Callable[[Remediation], Verdict]
    pause: float = 0.5
    """Seconds between two looks."""
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def verify(self, remediation: Remediation) -> Verdict:
        """Returns the settled verdict; one that never settles is a failed one, with the last thing seen."""
        deadline = self.clock() + remediation.settles_within
        good_since: float | None = None
        while True:
            try:
                verdict = self.read(remediation)
            except (FirstmateError, Unreadable) as error:
                verdict = Verdict(ok=False, says=str(error), settled=False)
            now = self.clock()
            good_since = (good_since if good_since is not None else now) if verdict.ok else None
            lasted = good_since is not None and now - good_since >= remediation.holds_for
            if verdict.settled and (lasted or not verdict.ok):
                return verdict
            if now >= deadline and not (verdict.ok and verdict.settled):
                return Verdict(ok=False, says=f"{verdict.says} (seen for {remediation.settles_within:g} s)")
            self.sleep(self.pause)


def _bounded(statements: Iterator[Statement]) -> Iterator[str]:
    for number, statement in enumerate(statements):
        if number >= MAX_STATEMENTS:
            raise NotAllowed(f"The action wants more than {MAX_STATEMENTS} statements; nothing was planned.")
        yield str(statement)


def _so_far(ran: int) -> str:
    return "Nothing ran." if ran == 0 else f"{ran} statement{'s' if ran > 1 else ''} ran before it."
