"""GTID intervals, shard records and moving workflows, read without a server."""

from __future__ import annotations

import pytest

from actions.contract import Refused
from actions.gtid_intervals import count_missing
from actions.vitess_records import primary_alias
from actions.vitess_workflows import MOST_KEYSPACES, moving_workflows
from tests.vitess_shard import SOURCE, STRANGE, shard


@pytest.mark.parametrize(
    ("replica", "primary", "count"),
    [
        (f"MySQL56/{SOURCE}:1-308", f"MySQL56/{SOURCE}:1-310", 0),
        (f"MySQL56/{SOURCE}:1-308", f"{SOURCE.upper()}:1-300", 8),
        (f"{SOURCE}:1-10:20-30", f"{SOURCE}:5-22", 4 + 8),
        (f"{STRANGE}:7,{SOURCE}:1-5", f"{SOURCE}:1-5", 1),
        (f"{SOURCE}:tag_a:1-3", f"{SOURCE}:1-3", 3),
        (f"{SOURCE}:1-100", f"{SOURCE}:10-20:30-40:90-200", 9 + 9 + 49),
        ("", f"{SOURCE}:1", 0),
    ],
)
def test_what_the_primary_lacks_is_counted(replica, primary, count):
    assert count_missing(replica, primary) == count


def test_what_is_no_set_is_said():
    with pytest.raises(ValueError, match="is not part of a GTID set"):
        count_missing("FilePos/vt-bin.000001:4", "")


def test_a_record_without_a_primary_is_refused():
    with pytest.raises(Refused, match="names no primary"):
        primary_alias(shard({"GetShard": {"shard": {"shard": {}}}}))


def test_more_keyspaces_than_can_be_looked_through_are_refused():
    many = {"keyspaces": [{"name": f"k{number}"} for number in range(MOST_KEYSPACES + 1)]}
    with pytest.raises(Refused, match="51 keyspaces, and workflows"):
        moving_workflows(shard({"GetKeyspaces": many}))
