"""The store of the engine, of its parts."""

from __future__ import annotations

from bot.store.arrivals import Arrivals
from bot.store.decisions import Decisions
from bot.store.halting import Halting
from bot.store.intents import Intents
from bot.store.leases import Leases


class RunStore(Arrivals, Decisions, Intents, Leases, Halting):
    """Implements bot.engine.ports.Store on a Database."""
