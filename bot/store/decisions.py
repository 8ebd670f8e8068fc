"""Who decided what on which plan, and what follows from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa

from bot.engine import segments
from bot.engine.run import Choice, Decision, Event, Run, RunState
from bot.errors import NotAllowed, UnknownRun
from bot.guards.facts import mention
from bot.store import audit
from bot.store.run_records import RunRecords
from bot.store.tables import decisions


class DecisionStore(RunRecords):
    """Asks for decisions and takes them."""

    def wait(self, run: Run, *, expires_in: float) -> bool:
        now = self._now()
        waiting = replace(run, state=RunState.WAITING, expires_at=now + timedelta(seconds=expires_in))
        plans = [plan for plan in (run.plan, *run.alternatives) if plan is not None]
        offered = [{"digest": plan.digest, "statements": list(plan.statements)} for plan in plans]
        data = {"plans": offered, "target": run.target}
        with self.database.transaction() as connection:
            saved = self._save(
                connection,
                waiting,
                expect=RunState.TRIAGING,
                event="approval.asked",
                actor="firstmate",
                data=data,
            )
            if saved:
                self._queue.put(connection, run.id, segments.Expire(), delay=expires_in)
        return saved

    def approve_alone(self, run: Run) -> bool:
        assert run.plan is not None
        data = {"digest": run.plan.digest, "statements": list(run.plan.statements), "target": run.target}
        with self.database.transaction() as connection:
            saved = self._save(
                connection,
                run,
                expect=RunState.TRIAGING,
                event="approval.not_needed",
                actor="firstmate",
                data=data,
            )
            if saved:
                self._queue.put(connection, run.id, segments.Change())
        return saved

    def decide(self, run_id: str, decision: Decision) -> Run:
        with self.database.transaction() as connection:
            run = self._load(connection, run_id)
            if run is None:
                raise UnknownRun(run_id)
            _may_decide(run, decision)
            mine = sa.and_(
                decisions.c.run == run_id, decisions.c.user == decision.user, decisions.c.digest == decision.digest
            )
            revoked = connection.execute(decisions.delete().where(mine)).rowcount == 1
            connection.execute(
                decisions.insert().values(
                    run=run_id,
                    digest=decision.digest,
                    user=decision.user,
                    choice=decision.choice.value,
                    at=decision.at.timestamp(),
                )
            )
            data = {"digest": decision.digest, "choice": "revoke" if revoked else decision.choice.value}
            audit.append(connection, "approval.decided", decision.user, run_id, data)
            run = replace(run, decisions=(*(d for d in run.decisions if d.user != decision.user), decision))
            if decision.choice is Choice.DENY:
                who = mention(decision.user)
                says = f"{who} revoked the approval" if revoked else f"{who} denied it"
                run = run.ending(RunState.DENIED, f"{says}; nothing was changed.", decision.at)
                self._write(connection, run)
                self._queue.put(connection, run_id, segments.Report())
            elif _approvals(run, decision.digest) >= run.approvals_needed:
                says = "Approved; looking again before the change."
                chosen = run.offered(decision.digest)
                run = replace(run, state=RunState.APPROVED, plan=chosen, alternatives=(), says=says)
                run = replace(
                    run, timeline=(*run.timeline, Event(decision.at, f"approved by {mention(decision.user)}"))
                )
                self._write(connection, run)
                self._queue.put(connection, run_id, segments.Change())
            return run


def _approvals(run: Run, digest: str) -> int:
    return sum(each.choice is Choice.APPROVE and each.digest == digest for each in run.decisions)


def _may_decide(run: Run, decision: Decision) -> None:
    """Raises NotAllowed when this decision cannot count; the sentence says what stands.

    Who approved may still deny, which voids the plan, until the change begins.
    """
    mine = [d.choice for d in run.decisions if d.user == decision.user and d.digest == decision.digest]
    revokes = decision.choice is Choice.DENY and mine == [Choice.APPROVE]
    if mine and not revokes:
        raise NotAllowed(f"You decided on run {run.id} already; the run is {run.state.value}.")
    if run.state is not RunState.WAITING and not (run.state is RunState.APPROVED and decision.choice is Choice.DENY):
        raise NotAllowed(f"Run {run.id} does not wait for an approval any more: it is {run.state.value}. {run.says}")
    if run.offered(decision.digest) is None:
        raise NotAllowed(
            f"The plan of run {run.id} is not the one that you saw; look at the newest card and decide there."
        )
    if run.expires_at is not None and decision.at >= run.expires_at:
        raise NotAllowed(f"The approval of run {run.id} expired at {run.expires_at:%H:%M:%S} UTC; ask for a new plan.")
