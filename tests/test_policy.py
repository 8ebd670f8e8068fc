"""What policy.yml may say, and what it means at a given moment."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.policy import Policy, load_policy


def policy(text: str, tmp_path: Path) -> Policy:
    path = tmp_path / "policy.yml"
    path.write_text(text, encoding="utf-8")
    return load_policy(path)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_without_a_file_changes_are_few_and_two_people_stand_behind_what_destroys():
    default = load_policy(None)
    assert default.freeze("orders", at("2026-03-01T03:00")) is None
    assert (default.budgets.action, default.budgets.shard, default.budgets.fleet) == (10, 10, 30)
    assert (default.approvals.reversible, default.approvals.destructive) == (1, 2)


ONCE = """
freezes:
  - {name: sale, reason: the busiest weekend, shards: [orders*], zone: Europe/Berlin,
     from: 2026-11-27T00:00, to: 2026-11-30T00:00}
"""


@pytest.mark.parametrize(
    ("now", "frozen"),
    [
        ("2026-11-26T22:59", False),
        ("2026-11-26T23:00", True),  # midnight in Berlin
        ("2026-11-29T22:59", True),
        ("2026-11-29T23:00", False),
    ],
)
def test_a_freeze_is_of_its_own_time_zone(now: str, frozen: bool, tmp_path: Path):
    found = policy(ONCE, tmp_path).freeze("orders-eu", at(now))
    assert (found is not None) == frozen
    if found is not None:
        assert (found[0].name, found[1]) == ("sale", at("2026-11-29T23:00"))


def test_a_freeze_is_of_its_shards_alone(tmp_path: Path):
    assert policy(ONCE, tmp_path).freeze("billing", at("2026-11-28T12:00")) is None


NIGHTS = """
freezes:
  - {name: nights, reason: nobody watches, weekly: {days: [fri, sat], from: 18:00, to: "08:00"}}
"""


@pytest.mark.parametrize(
    ("now", "frozen"),
    [
        ("2026-11-27T17:59", False),  # a Friday
        ("2026-11-27T18:00", True),
        ("2026-11-28T07:59", True),
        ("2026-11-28T08:00", False),
        ("2026-11-29T07:59", True),  # the night of Saturday
        ("2026-11-29T18:00", False),
        ("2026-11-30T03:00", False),
    ],
)
def test_a_weekly_freeze_may_go_over_midnight(now: str, frozen: bool, tmp_path: Path):
    assert (policy(NIGHTS, tmp_path).freeze("orders", at(now)) is not None) == frozen


def test_of_several_freezes_the_one_that_holds_longest_is_told(tmp_path: Path):
    text = ONCE + "  - {name: longer, reason: r, from: 2026-11-28T00:00, to: 2026-12-24T00:00}\n"
    found = policy(text, tmp_path).freeze("orders", at("2026-11-28T12:00"))
    assert found is not None
    assert found[0].name == "longer"


def test_values_are_written_as_people_write_them(tmp_path: Path):
    assert policy("cooldown: 15m", tmp_path).cooldown == 900.0


@pytest.mark.parametrize(("risk", "of", "most"), [("disruptive", 5, 2), ("disruptive", 1, 1), ("destructive", 9, 1)])
def test_one_replica_may_always_be_changed(risk: str, of: int, most: int):
    assert Policy().most_replicas(risk, of) == most


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("freezes: [{name: x, reason: r}]", "either `from` and `to`, or `weekly`"),
        ("freezes: [{name: x, reason: r, from: 2026-01-02, to: 2026-01-01}]", "`to` must be after `from`"),
        ("freezes: [{name: x, reason: r, zone: Berlin, from: 2026-01-01, to: 2026-01-02}]", "is not a time zone"),
        (
            "freezes: [{name: x, from: 2026-01-01, to: 2026-01-02}]",
            ":1:11: Missing key 'reason' in freezes.1 [missing-key]",
        ),
        ("budget: {}", ":1:1: Unknown key 'budget'; did you mean 'budgets'? [unknown-key]"),
        ("cooldown: soon", "not a duration"),
        ("approvals: {destructive: 1}", "approvals.destructive"),
        ("a: [", "Invalid YAML"),
        ("- 1", "a policy is a mapping of keys"),
    ],
)
def test_what_does_not_fit_is_told_with_its_key(text: str, says: str, tmp_path: Path):
    with pytest.raises(ConfigError, match=r"policy\.yml") as error:
        policy(text, tmp_path)
    assert says in str(error.value)


def test_a_policy_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"cannot be read: .*Correct `policy`"):
        load_policy(tmp_path / "none.yml")
