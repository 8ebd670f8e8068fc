"""Which policy was in force, and what was changed of it, in the audit log."""

from __future__ import annotations

import difflib
import json
from typing import Any

import yaml

from bot.policy import Policy
from bot.store import audit_log
from bot.store.database import Database

EVENT = "policy.in_force"
MOST_LINES = 500
"""Lines of a difference that are kept."""


def record(database: Database, policy: Policy) -> bool:
    """Records the policy and how it differs from the one before; False where it is the same as at the last start."""
    now = policy.model_dump(mode="json", by_alias=True)
    with database.transaction() as connection:
        last = audit_log.latest(connection, EVENT)
        before: Any = json.loads(last.data)["policy"] if last is not None else None
        if now == before:
            return False
        data = {"policy": now, "diff": _difference(before, now)}
        audit_log.append(connection, EVENT, "firstmate", "policy", data)
    return True


def _difference(before: object, now: object) -> list[str]:
    if before is None:
        return []
    old, new = (yaml.safe_dump(each, sort_keys=True).splitlines() for each in (before, now))
    lines = difflib.unified_diff(old, new, "before", "now", lineterm="", n=1)
    return list(lines)[:MOST_LINES]
