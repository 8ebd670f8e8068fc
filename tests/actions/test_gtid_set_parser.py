"""GTID sets as text: parsed, counted and compared."""

from __future__ import annotations

import pytest

from actions.gtid_set_parser import GtidInterval, count_gtids, count_missing, parse_gtid_set
from tests.vitess_shard import SOURCE, STRANGE


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


@pytest.mark.parametrize(
    ("gtids", "count"),
    [("", 0), (f"{SOURCE}:1", 1), (f"{SOURCE}:1-3:7", 4), (f"{SOURCE}:tag:1-3", 3), (f"{SOURCE}:1-3:tag:5-6:9", 6)],
)
def test_gtids_are_counted(gtids, count):
    assert count_gtids(gtids) == count


def test_a_tag_applies_to_the_intervals_after_it():
    assert parse_gtid_set(f"{SOURCE}:1-3:tag:5") == [GtidInterval(SOURCE, 1, 3), GtidInterval(f"{SOURCE}:tag", 5, 5)]


@pytest.mark.parametrize("text", [SOURCE, f"{SOURCE}:", f"{SOURCE}:tag", f"{SOURCE}:1:tag", f"{SOURCE}:1-2-3", "0-1-7"])
def test_other_text_is_no_set(text):
    with pytest.raises(ValueError, match="is not part of a GTID set"):
        parse_gtid_set(text)
