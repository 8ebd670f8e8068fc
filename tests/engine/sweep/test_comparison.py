"""Like is grouped with like, what differs is said in words, and who is silent is grouped by the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from actions.contract import Bytes, Count, Percent, Seconds, Unit
from actions.diagnostics.mysql.global_variables import GlobalVariables
from actions.diagnostics.mysql.replica_status import ReplicaStatus
from actions.diagnostics.vitess.tablet_status import TabletStatus
from bot.engine.sweep.comparison import Group, Summary, named, summarised
from bot.engine.sweep.numeric_outliers import apart
from bot.engine.sweep.run_sweep import HostAnswer
from bot.engine.targets import Target
from tests.engine.servers import shard_of

WELL = {"configured": True, "receiver_running": "Yes", "applier_running": "Yes", "lag": 0.0, "auto_position": True}


def replicas(count: int) -> list[Target]:
    shard = shard_of("orders", count)
    return [Target(instance, shard) for instance in shard.instances[1:]]


def looks(evidence: Sequence[Any]) -> list[HostAnswer]:
    """A replica for each; text stands for the reason why there is no evidence."""
    return [
        HostAnswer(target, missing=each) if isinstance(each, str) else HostAnswer(target, each)
        for target, each in zip(replicas(len(evidence)), evidence, strict=True)
    ]


def status(**changes: Any) -> ReplicaStatus:
    return ReplicaStatus(**{**WELL, **changes})


def groups(summary: Summary) -> tuple[Group, ...]:
    [kin] = summary.kin
    return kin.groups


def test_hosts_that_say_the_same_are_one_group_with_its_numbers_as_ranges():
    found = summarised(looks([status(lag=lag) for lag in (0.0, 2.0, 1.0, 1.0)]))
    [group] = groups(found)
    assert group.hosts == ("orders-2", "orders-3", "orders-4", "orders-5")
    assert group.seen == (
        "configured yes, receiver running Yes, applier running Yes, auto position yes, lag 0 s to 2 s, median 1 s"
    )
    assert found.alike
    assert found.says == "4 of 4 responded; no differences found."


def test_a_zero_that_might_be_unknown_is_told_and_another_zero_is_not():
    [group] = groups(summarised(looks([status(), status()])))
    assert group.seen.endswith("auto position yes, lag 0 s")


def test_the_largest_group_is_the_usual_and_the_others_say_what_they_have_otherwise():
    stopped = status(applier_running="No", applier_errno=1205, applier_error="Lock wait timeout", lag=None)
    found = summarised(looks([stopped, status(), status()]))
    usual, other = groups(found)
    assert (len(usual.hosts), other.hosts) == (2, ("orders-2",))
    assert [each.says for each in other.differs] == [
        "applier running No, not Yes",
        "lag unknown",
        "applier errno 1205, not 0",
    ]
    assert usual.differs == ()
    assert not found.alike
    assert found.says == "3 of 3 responded; 1 of them differs."


def test_a_moment_is_each_host_s_own():
    found = summarised(looks([TabletStatus(alias="a", uptime=9.0, started_at=1.7e9 + n * 1e6) for n in range(3)]))
    [group] = groups(found)
    assert "uptime 9 s" in group.seen
    assert "started" not in group.seen


def test_free_text_ports_and_ids_are_not_compared():
    found = summarised(
        looks([status(receiver_state=f"state {n}", source_port=3306 + n, executed_gtid=f"u:{n}") for n in range(3)])
    )
    assert len(groups(found)) == 1


def test_a_primary_is_compared_with_primaries_alone():
    shard = shard_of("orders", 2)
    primary, *others = (Target(instance, shard) for instance in shard.instances)
    found = summarised([HostAnswer(primary, ReplicaStatus()), *(HostAnswer(target, status()) for target in others)])
    assert [kin.name for kin in found.kin] == ["1 primary of mysql", "2 replicas of mysql"]
    assert found.alike


def test_settings_that_were_asked_for_are_compared_unless_each_host_has_its_own():
    def settings(number: int) -> GlobalVariables:
        return GlobalVariables({"sync_binlog": "0" if number == 3 else "1", "server_id": str(number)})

    usual, other = groups(summarised(looks([settings(number) for number in range(6)])))
    assert usual.facts == {"sync_binlog": "1"}
    assert (other.hosts, other.differs[0].says) == (("orders-5",), "sync binlog 0, not 1")


def test_a_setting_that_one_host_does_not_know_is_absent_there():
    known, unknown = GlobalVariables({"a": "ON"}), GlobalVariables({})
    [difference] = groups(summarised(looks([known, known, unknown])))[1].differs
    assert difference.says == "a absent, not ON"


@dataclass(frozen=True)
class Inner:
    mode: Literal["a", "b"] = "a"


@dataclass(frozen=True)
class Everything:
    """Every kind of field that evidence has."""

    flag: bool | None = None
    size: Bytes = 0
    share: Percent = 0.0
    count: Count = 0
    age: Seconds = 0.0
    load: float = 0.0
    force: int = 0
    version: str = "mysql 8.4.6"
    text: str = ""
    within: Inner = Inner()
    items: tuple[str, ...] = ()
    values: dict[str, str] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"flag": True}, "flag yes, not unknown"),
        ({"force": 6}, "force 6, not 0"),
        ({"version": "mysql 8.0.36"}, "version mysql 8.0.36, not mysql 8.4.6"),
        ({"within": Inner("b")}, "within mode b, not a"),
        ({"values": {"x": ""}}, "x empty, not absent"),
    ],
)
def test_what_can_only_be_one_of_a_few_is_compared(changes: dict[str, Any], says: str):
    other = groups(summarised(looks([Everything(), Everything(), Everything(**changes)])))[1]
    assert [each.says for each in other.differs] == [says]


@pytest.mark.parametrize(
    ("field_name", "values", "says"),
    [
        ("size", (2**30, 3 * 2**30), "size 1.0 GiB to 3.0 GiB, median 1.0 GiB"),
        ("share", (12.5, 80.0), "share 12.5 % to 80 %, median 12.5 %"),
        ("count", (1000, 2000), "count 1,000 to 2,000, median 1,000"),
        ("age", (90.0, 90.0), "age 1 min 30 s"),
        ("load", (0.25, 2.0), "load 0.25 to 2, median 0.25"),
        ("items", (("a",), ("b", "c")), "items 1 to 2, median 1"),
    ],
)
def test_numbers_are_shown_in_their_units(field_name: str, values: tuple[Any, Any], says: str):
    [group] = groups(summarised(looks([Everything(**{field_name: value}) for value in values])))
    assert [each.says for each in group.ranges if not each.quiet] == [says]


def test_a_number_far_from_the_others_is_named_and_left_out_of_the_range():
    found = summarised(looks([status(lag=float(lag)) for lag in (0, 1, 2, 1, 0, 3000, 1)]))
    [group] = groups(found)
    [lag] = [each for each in group.ranges if each.field == "lag"]
    assert (lag.least, lag.most) == (0, 2)
    assert lag.strays == "lag: orders-7 50 min"
    assert not found.alike
    assert found.says == "7 of 7 responded; 1 of them is an outlier."
    assert found.strange == {"orders-7"}


@pytest.mark.parametrize(
    ("values", "unit", "far"),
    [
        ([0, 1, 2, 1, 0, 3000], Unit.SECONDS, [5]),
        ([0, 0, 0, 0, 0, 9], Unit.SECONDS, []),  # nine seconds are nothing to tell
        ([0, 0, 0, 0, 0, 11], Unit.SECONDS, [5]),
        ([0, 0, 3000], Unit.SECONDS, []),  # too few to say what is usual
        ([86400, 90000, 85000, 88000, 60], Unit.SECONDS, [4]),  # one started a minute ago
        ([100, 200, 300, 400, 500, 600], Unit.COUNT, []),  # they are spread anyway
        ([100, 100, 100, 100, 100, 140], Unit.COUNT, []),  # not even half as much again
        ([5, 5, 5, 5, 5000, 900], Unit.COUNT, [4, 5]),  # the farthest first
        ([50.0, 51.0, 49.0, 50.0, 99.0], Unit.PERCENT, [4]),
    ],
)
def test_far_is_what_the_rule_says(values: list[float], unit: Unit, far: list[int]):
    assert apart({str(n): value for n, value in enumerate(values)}, unit) == tuple(str(n) for n in far)


def test_silent_hosts_are_grouped_by_the_reason_without_addresses_and_times():
    def refused(target: Target, after: int) -> HostAnswer:
        at = target.instance.address
        return HostAnswer(
            target, missing=f"{at} does not accept connections (10.0.0.{after}:3306 gave up after {after} s)."
        )

    one, two, three, four = replicas(4)
    found = summarised(
        [
            refused(one, 2),
            HostAnswer(two, missing="It hangs for 3 s."),
            refused(three, 5),
            HostAnswer(four, status()),
        ]
    )
    assert [(each.reason, each.hosts) for each in found.silent] == [
        ("… does not accept connections (… gave up after … s).", ("orders-2", "orders-4")),
        ("It hangs for 3 s.", ("orders-3",)),
    ]
    assert not found.alike
    assert found.says == "1 of 4 responded; no differences found."
    assert summarised([refused(one, 2), refused(three, 5)]).says == "None of the 2 instances responded."
    assert summarised([refused(one, 2)]).says == "The instance did not respond."


def test_the_number_of_an_error_keeps_reasons_apart():
    one, two = replicas(2)
    found = summarised([HostAnswer(one, missing="error 1040"), HostAnswer(two, missing="error 1045")])
    assert len(found.silent) == 2


def test_ten_hosts_are_named_and_of_the_rest_how_many():
    hosts = [f"h{number}" for number in range(42)]
    assert named(hosts) == "h0, h1, h2, h3, h4, h5, h6, h7, h8, h9 and 32 more"
    assert named(hosts[:10]).endswith("h9")
