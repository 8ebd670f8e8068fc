"""Builds the run for an alert, for a person, or for a retry. Stores nothing."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bot.alerts import ASKED, Alert, AlertStatus, parse_labels
from bot.clock import utc_now
from bot.config import ApprovalSettings, Tablet
from bot.engine.planner import inputs_of
from bot.engine.ports import Fleet, Store
from bot.engine.run import Event, Run, RunState
from bot.engine.runbook_of_run import copy_of, opened_under
from bot.engine.target_selection import known_shard
from bot.engine.targets import Target
from bot.errors import WrongUsage
from bot.guards.facts import Override, mention
from bot.runbook.language.schema import Runbook
from bot.runbook.library.live_library import LiveLibrary
from bot.runbook.matching.match import Tie, choose

RECENT = 200
"""The newest runs that are searched for an alert by its name."""


def first_look(target: Target) -> str:
    """Returns the name of the runbook that /triage runs: for a server, a proxy, or a tablet of Vitess."""
    if isinstance(target.instance, Tablet):
        return "vitess/first-look"
    return "proxysql/backends" if target.is_proxy else "mysql/first-look"


@dataclass(frozen=True, slots=True)
class RunFactory:
    """Builds new runs."""

    live_library: LiveLibrary
    """Holds the runbooks in force; a reload replaces them, but not the copies in runs."""
    fleet: Fleet
    store: Store
    approvals: ApprovalSettings
    channel_of: Callable[[Alert], str]
    now: Callable[[], datetime] = utc_now

    def for_alert(self, alert: Alert, target: Target | None) -> Run:
        """Returns the run for an alert; without a runbook, the run says why."""
        found = choose(self.live_library.library.runbooks, alert)
        run = self._new(alert, target, requester="firstmate", channel=self.channel_of(alert))
        if isinstance(found, Tie):
            first, rivals = found.asked[0], tuple(copy_of(each.runbook, each.matcher) for each in found.asked)
            return replace(opened_under(run, first.runbook, matched=first.matcher), rivals=rivals)
        if found is None:
            where = f" Check {run.target} with /triage {run.target}." if run.target else ""
            return replace(run, says=f"No runbook matches {alert.name or 'this alert'}.{where}")
        return opened_under(run, found.runbook, matched=found.matcher)

    def for_person(self, user: str, runbook: str, target: str, *, channel: str, inputs: Mapping[str, str]) -> Run:
        """Returns the run that a person requests; raises RunbookError, UnknownTarget or WrongUsage."""
        found = self.live_library.library.find(runbook)
        place = self.fleet.find(target)
        asked = self._new(None, place, requester=user, channel=channel)
        run = opened_under(replace(asked, overrides=self._named(found, inputs)), found, matched="asked by a person")
        inputs_of(run, found)
        return run

    def bare(self, user: str, target: Target) -> Run:
        """Returns a run without a runbook, to explain the guards of a single action."""
        return self._new(None, target, requester=user, channel="")

    def again(self, run: Run, user: str, said: str, override: Override | None = None) -> Run:
        """Returns a new run of the same runbook in the same incident; raises RunbookError or UnknownTarget.

        It covers only the targets on which the change was not made.
        """
        found = self.live_library.library.find(run.runbook)
        fresh = self._new(run.alert, self.fleet.find(run.target), requester=user, channel=run.channel)
        plan = run.plan
        kept = {plan.changes[each.number].target for each in run.outcomes if plan and each.state == "mended"}
        left = tuple(name for name in plan.targets if name not in kept) if plan and kept else ()
        return opened_under(
            replace(
                fresh,
                incident=run.incident,
                thread=run.root,
                override=override,
                only=left,
                overrides=run.overrides,
                timeline=(Event(self.now(), said),),
            ),
            found,
            matched=f"run {run.id} once more",
        )

    def alert_of(self, asked: str) -> Alert:
        """Returns the alert of a run, the newest alert of a name, or one with these labels; raises WrongUsage."""
        if "=" in asked:
            return Alert(parse_labels(asked), AlertStatus.FIRING, self.now(), source=ASKED)
        run = self.store.run(asked)
        if run is not None and run.alert is None:
            raise WrongUsage(f"Run {asked} was requested by a person, so no alert selected its runbook.")
        if run is None:
            recent = self.store.runs(limit=RECENT)
            run = next((each for each in recent if each.alert is not None and each.alert.name == asked), None)
        if run is not None and run.alert is not None:
            return run.alert
        return Alert({"alertname": asked}, AlertStatus.FIRING, self.now(), source=ASKED)

    def _named(self, runbook: Runbook, inputs: Mapping[str, str]) -> dict[str, Any]:
        """Returns the inputs with instances by their inventory names; raises UnknownTarget."""
        given: dict[str, Any] = dict(inputs)
        for name, value in inputs.items():
            declared = runbook.inputs.get(name)
            if declared is not None and declared.type == "instance":
                given[name] = self.fleet.find(value).name
            elif declared is not None and declared.type == "shard":
                known_shard(self.fleet, value)
        return given

    def _new(self, alert: Alert | None, target: Target | None, *, requester: str, channel: str) -> Run:
        token = secrets.token_hex(5)
        return Run(
            id=f"r-{token}",
            incident=f"i-{token}",
            channel=channel,
            state=RunState.TRIAGING,
            opened_at=self.now(),
            alert=alert,
            requester=requester,
            runbook="",
            runbook_digest="",
            runbook_text="",
            title=alert.name if alert else "",
            target=target.name if target else "",
            shard=target.shard.name if target else "",
            approvals_needed=self.approvals.count,
            timeline=(Event(self.now(), "alert received" if alert else f"requested by {mention(requester)}"),),
        )
