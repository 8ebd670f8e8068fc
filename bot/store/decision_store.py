"""Stores decisions on plans, each with the state of the run that follows from it; bot.engine.decisions decides it."""

from __future__ import annotations

import sqlalchemy as sa

from bot.engine import segments
from bot.engine.decisions import decide, waiting
from bot.engine.run import Decision, Run, RunState
from bot.errors import UnknownRun
from bot.store import audit_log
from bot.store.run_records import RunRecords
from bot.store.tables import decisions


class DecisionStore(RunRecords):
    """Asks for decisions and takes them."""

    def wait(self, run: Run, *, expires_in: float) -> bool:
        plans = [plan for plan in (run.plan, *run.alternatives) if plan is not None]
        offered = [{"digest": plan.digest, "statements": list(plan.statements)} for plan in plans]
        data = {"plans": offered, "target": run.target}
        with self.database.transaction() as connection:
            saved = self._save(
                connection,
                waiting(run, now=self._now(), expires_in=expires_in),
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
            decided = decide(run, decision)
            mine = sa.and_(
                decisions.c.run == run_id, decisions.c.user == decision.user, decisions.c.digest == decision.digest
            )
            connection.execute(decisions.delete().where(mine))
            connection.execute(
                decisions.insert().values(
                    run=run_id,
                    digest=decision.digest,
                    user=decision.user,
                    choice=decision.choice.value,
                    at=decision.at.timestamp(),
                )
            )
            data = {"digest": decision.digest, "choice": "revoke" if decided.revoked else decision.choice.value}
            audit_log.append(connection, "approval.decided", decision.user, run_id, data)
            if decided.segment is not None:
                self._write(connection, decided.run)
                self._queue.put(connection, run_id, decided.segment)
            return decided.run
