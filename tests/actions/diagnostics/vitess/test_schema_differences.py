"""Whether all tablets of a keyspace have the same tables."""

from __future__ import annotations

import pytest

from actions.contract import Unreadable
from actions.diagnostics.vitess.schema_differences import schema_differences
from tests.recorded_vitess import RecordedVitess

DIFFERS = (
    "schemas differ on table orders:\nzone1-0000000101: CREATE TABLE `orders` (\n  `order_id` bigint NOT NULL,\n"
    "  `extra` int DEFAULT NULL,\n  PRIMARY KEY (`order_id`)\n) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4"
    "\n differs from:\nzone1-0000000105: CREATE TABLE `orders` (\n  `order_id` bigint NOT NULL,\n"
    "  PRIMARY KEY (`order_id`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
)
EXTRA = "zone1-0000000103 has an extra table named notes"


def recorded(*results: str) -> RecordedVitess:
    answer: dict[str, object] = {"results": list(results)} if results else {"results_by_shard": {"-80": {}, "80-": {}}}
    return RecordedVitess({"ValidateSchemaKeyspace": answer})


def test_the_same_everywhere_is_no_difference():
    found = schema_differences(recorded())
    assert (found.differences, found.tables, found.missing) == ((), (), ())


def test_a_table_that_differs_is_told_by_the_lines_that_differ():
    [one] = schema_differences(recorded(DIFFERS)).differences
    assert (one.table, one.tablet, one.other) == ("orders", "zone1-0000000101", "zone1-0000000105")
    assert one.only_here == ("`extra` int DEFAULT NULL",)
    assert one.only_there == ()


def test_a_table_on_one_tablet_alone_is_told():
    found = schema_differences(recorded(EXTRA, DIFFERS, DIFFERS))
    assert found.tables == ("notes", "orders")
    assert found.tablets == ("zone1-0000000101", "zone1-0000000103", "zone1-0000000105")


def test_the_answers_of_shards_are_read_too_and_each_once():
    answer = {"results": [EXTRA], "results_by_shard": {"-80": {"results": [EXTRA, DIFFERS]}, "80-": {}}}
    found = schema_differences(RecordedVitess({"ValidateSchemaKeyspace": answer}))
    assert [one.table for one in found.differences] == ["notes", "orders"]


def test_a_shard_that_could_not_be_compared_is_missing():
    found = schema_differences(recorded("no primary in shard commerce/80-"))
    assert found.differences == ()
    assert found.missing == ("no primary in shard commerce/80-",)


def test_more_than_fifty_are_cut_and_counted():
    found = schema_differences(recorded(*(f"zone1-0000000103 has an extra table named t{n}" for n in range(60))))
    assert (len(found.differences), found.left_out) == (50, 10)


def test_where_vtctld_is_away_it_is_unreadable():
    with pytest.raises(Unreadable):
        schema_differences(RecordedVitess())
