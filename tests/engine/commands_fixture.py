"""The commands of people on a real store, with stand-ins for what a test does not need."""

from __future__ import annotations

from functools import cache
from typing import Any

from bot.config import ApprovalSettings
from bot.engine.active_halts import Halts
from bot.engine.ports import Directory
from bot.engine.role_checks import RoleChecks
from bot.engine.run_factory import RunFactory
from bot.engine.user_commands import Commands
from bot.runbook.library.live_library import LiveLibrary
from bot.runbook.library.load_runbooks import shipped_folder
from bot.store.run_store import RunStore
from tests.engine.servers import Everybody, Fleet
from tests.samples import NOW

UNUSED: Any = None


@cache
def shipped() -> LiveLibrary:
    """The runbooks that come with Firstmate."""
    return LiveLibrary((shipped_folder(),), shipped_folder())


def commands_of(
    store: RunStore,
    *,
    fleet: Fleet | None = None,
    directory: Directory | None = None,
    halts: Halts | None = None,
    previews: Any = None,
    pausing: Any = None,
) -> Commands:
    """Returns the commands on this store; without a directory, everybody may command everything."""
    fleet = fleet or Fleet()
    return Commands(
        fleet=fleet,
        store=store,
        roles=RoleChecks(directory or Everybody(), store),
        run_factory=RunFactory(shipped(), fleet, store, ApprovalSettings(), UNUSED, now=lambda: NOW),
        previews=previews,
        assignments=UNUSED,
        halts=halts or Halts(store),
        pausing=pausing,
        now=lambda: NOW,
    )
