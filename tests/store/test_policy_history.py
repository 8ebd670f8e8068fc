"""What was changed of the policy is in the audit log, once for each change."""

from __future__ import annotations

import json

from bot.policy import Policy
from bot.store import audit_log
from bot.store import policy_history as policies
from bot.store.database import Database


def recorded(database: Database) -> list[dict[str, object]]:
    with database.reading() as connection:
        return [json.loads(row.data) for row in audit_log.entries(connection) if row.event == policies.EVENT]


def test_the_first_policy_is_recorded_whole(database: Database):
    assert policies.record(database, Policy())
    [first] = recorded(database)
    assert first["diff"] == []
    assert Policy.model_validate(first["policy"]) == Policy()


def test_the_same_policy_at_the_next_start_is_no_event(database: Database):
    assert policies.record(database, Policy())
    assert not policies.record(database, Policy())
    assert len(recorded(database)) == 1


def test_another_policy_is_recorded_with_what_differs(database: Database):
    policies.record(database, Policy())
    assert policies.record(database, Policy.model_validate({"cooldown": "15m", "budgets": {"fleet": 5}}))
    diff = recorded(database)[-1]["diff"]
    assert isinstance(diff, list)
    assert {line for line in diff if line[:1] in "+-" and line[:3] not in ("+++", "---")} == {
        "-  fleet: 30",
        "+  fleet: 5",
        "-cooldown: 0.0",
        "+cooldown: 900.0",
    }


def test_freezes_survive_the_way_there_and_back(database: Database):
    freeze = {"name": "n", "reason": "r", "weekly": {"days": ["fri"], "from": "22:00", "to": "08:00"}}
    once = {"name": "o", "reason": "r", "zone": "Europe/Berlin", "from": "2026-11-27T00:00", "to": "2026-11-30"}
    policy = Policy.model_validate({"freezes": [freeze, once]})
    policies.record(database, policy)
    assert Policy.model_validate(recorded(database)[-1]["policy"]) == policy
