"""What VTOrc does in a shard, as a fact for the guards and as a reason to wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from actions.contract import MySQL, Unreadable
from actions.diagnostics.vitess.vtorc import VTOrcs, vtorc
from actions.vitess_contract import Vitess
from actions.vtorc_state import Recovery
from bot.config import Tablet, TabletShard
from bot.engine.ports import Fleet
from bot.engine.targets import Target
from bot.errors import FirstmateError
from bot.guards.facts import Repair

MANAGER = "VTOrc"
LATELY = 10.0
"""Seconds after the end of a recovery, beyond the time that a run waits, in which it counts for the run."""
PAUSE = 1.0
"""Seconds between two observations while a change waits."""


@dataclass(frozen=True, slots=True)
class VtorcRepairs:
    """Observes what VTOrc does in a shard."""

    fleet: Fleet
    ask: Callable[[MySQL], VTOrcs] = vtorc
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def observe(self, target: Target | None, patience: float) -> Repair | None:
        """Returns what VTOrc does in the target's shard now; None when the target is no tablet or has no VTOrc.

        VTOrc does not repair a problem that it has detected for longer than `patience` seconds.
        """
        if target is None or not isinstance(target.shard, TabletShard) or not isinstance(target.instance, Tablet):
            return None
        if target.shard.no_vtorc:
            return None
        try:
            with self.fleet.read(target.shard, target.instance, Vitess) as db:
                return judged(self.ask(db), patience)
        except (FirstmateError, Unreadable) as error:
            return Repair(MANAGER, unknown=str(error))

    def wait(self, target: Target | None, patience: float) -> Repair | None:
        """Waits until VTOrc has finished, for at most `patience` seconds, and returns as `observe`."""
        deadline = self.clock() + patience
        found, waited = self.observe(target, patience), False
        while found is not None and found.doing and self.clock() < deadline:
            waited = True
            self.sleep(PAUSE)
            found = self.observe(target, patience)
        # Without a wait, a repair from before the plan was made is no reason to refuse the plan.
        return found if found is None or waited else replace(found, repaired="")


def judged(view: VTOrcs, patience: float) -> Repair:
    """Returns what the VTOrcs of a cluster do, as one fact. Pure."""
    if view.configured == 0:
        return Repair(
            MANAGER,
            unknown=("no VTOrc is configured for this cluster. Set `vtorcs` (or `no_vtorc: true`) in firstmate.yml."),
        )
    silent = [each for each in view.missing if "connection refused" not in each]
    if not view.alive and silent:
        return Repair(MANAGER, unknown=silent[0])
    mended = view.mended_within(patience + LATELY)
    done = told(mended) if mended is not None else ""
    running = [each for each in view.recoveries if each.runs] if view.acts else []
    young = [each for each in view.repairing if each.seen_for <= patience]
    if not running and not young:
        return Repair(MANAGER, repaired=done, says=_why_not(view))
    if running:
        doing = f"{running[0].analysis} on {running[0].tablet}, in progress for {running[0].ago:.0f} s"
    else:
        doing = f"{young[0].analysis} on {young[0].tablet}, detected {young[0].seen_for:.0f} s ago"
    old = mended.tablet if mended is not None and mended.successor else None
    over = {each.tablet for each in running} | {each.tablet for each in young} == {old}
    return Repair(MANAGER, doing=doing, repaired=done, over=over)


def told(recovery: Recovery) -> str:
    """`VTOrc repaired DeadPrimary on A after 7 s; B is the primary now.`"""
    now = f"; {recovery.successor} is the primary now" if recovery.successor else ""
    return f"{MANAGER} repaired {recovery.analysis} on {recovery.tablet}{_after(recovery.after)}{now}."


def _after(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f" after {seconds:.0f} s" if seconds >= 1 else " within a second"


def _why_not(view: VTOrcs) -> str:
    if not view.alive:
        return f"No {MANAGER} is running for {view.shard}, so nothing else repairs it."
    if view.stuck:
        return f"{MANAGER} cannot lock a shard: its calls to the topology server fail."
    if not view.acts:
        return f"Recoveries are disabled in {MANAGER}, so nothing else repairs {view.shard}."
    if view.repairing:
        late = view.repairing[0]
        return f"{MANAGER} detected {late.analysis} on {late.tablet} {late.seen_for:.0f} s ago and has not repaired it."
    if view.problems:
        return f"{MANAGER} detects {', '.join(view.detects)}, which it does not repair by itself here."
    return f"{MANAGER} is alive and detects nothing in {view.shard}."
