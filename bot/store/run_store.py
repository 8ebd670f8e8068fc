"""The store of the engine, of its parts."""

from __future__ import annotations

from bot.store.decisions import DecisionStore
from bot.store.halts import HaltStore
from bot.store.incidents import IncidentStore
from bot.store.intents import IntentStore
from bot.store.leases import LeaseStore


class RunStore(IncidentStore, DecisionStore, IntentStore, LeaseStore, HaltStore):
    """Implements bot.engine.ports.Store on a Database."""
