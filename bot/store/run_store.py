"""The store of the engine, of its parts."""

from __future__ import annotations

from bot.store.change_intent_store import IntentStore
from bot.store.decision_store import DecisionStore
from bot.store.halt_store import HaltStore
from bot.store.incident_store import IncidentStore
from bot.store.shard_lease_store import ShardLeaseStore


class RunStore(IncidentStore, DecisionStore, IntentStore, ShardLeaseStore, HaltStore):
    """Implements bot.engine.ports.Store on a Database."""
