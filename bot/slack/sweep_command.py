"""`/triage SELECTOR`: a first sweep over the selected instances, whose result is a card in the channel."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from bot.engine.instance_selector import select, selection_of
from bot.engine.outbox_port import Message
from bot.engine.ports import Fleet, Store
from bot.engine.role_checks import RoleChecks
from bot.engine.sweep.first_sweep import first_sweep
from bot.engine.sweep.run_sweep import Sweeps
from bot.slack.sweep_card import sweep_message


@dataclass(frozen=True, slots=True)
class SweepCommand:
    """Sweeps for a person, who must be an operator of every selected shard."""

    fleet: Fleet
    store: Store
    roles: RoleChecks
    sweeps: Sweeps
    put: Callable[[Message], None]
    """Enqueues a message for Slack."""

    def sweep(self, user: str, selector: str, channel: str) -> str:
        """Sweeps, enqueues the card, and returns the result in one sentence; raises WrongUsage, NotAllowed or Busy."""
        targets = select(selector, self.fleet.targets())
        self.roles.require_operator_of_all(user, sorted({target.shard.name for target in targets}))
        on = str(selection_of(selector))
        self.store.audit("sweep.asked", actor=user, subject=on, instances=len(targets), channel=channel)
        found = first_sweep(self.sweeps, targets)
        self.put(sweep_message(f"sweep-{secrets.token_hex(5)}", channel, user, on, found))
        return found.says
