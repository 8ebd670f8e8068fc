"""mysql.fix_errant_gtid: the primary learns of errant transactions as empty ones."""

from __future__ import annotations

import pytest

from actions.contract import NoUndo, Refused
from actions.diagnostics.mysql.gtid_sets import gtid_sets
from actions.remediations.mysql.fix_errant_gtid import FixErrantGtid, expanded
from tests.actions.hands import check, make, reader, undo_of, verify

STRANGE = "7cd39d74-e825-11f1-83c0-02fc0000000"


@pytest.mark.lab
def test_the_primary_has_them_afterwards(notes):
    primary = notes.instance("orders-1")
    gtids = f"{STRANGE}1:1-2:4"
    mend = FixErrantGtid(gtids)
    check(notes, primary, mend)
    made = make(notes, primary, mend)
    assert len(made) == 10
    assert made[:3] == [f"SET GTID_NEXT = '{STRANGE}1:1'", "BEGIN", "COMMIT"]
    assert made[-1] == "SET GTID_NEXT = 'AUTOMATIC'"
    assert verify(notes, primary, mend).ok
    with reader(notes, primary) as db:
        assert gtids in gtid_sets(db).executed
    with pytest.raises(Refused, match="has all of"):
        check(notes, primary, mend)
    with pytest.raises(NoUndo, match="executed GTIDs stay executed"):
        undo_of(notes, primary, mend)


@pytest.mark.lab
def test_what_is_not_there_yet_is_a_failed_change(notes):
    verdict = verify(notes, notes.instance("orders-1"), FixErrantGtid(f"{STRANGE}2:1"))
    assert not verdict.ok
    assert "still lacks" in verdict.says


@pytest.mark.lab
def test_only_a_primary_is_told(notes):
    with pytest.raises(Refused, match="is not the primary: it replicates"):
        check(notes, notes.instance("orders-2"), FixErrantGtid(f"{STRANGE}1:1"))


@pytest.mark.lab
def test_mariadb_has_no_such_way(notes):
    with pytest.raises(Refused, match=r"cannot be added. Rebuild the replica"):
        check(notes, notes.instance("billing-1"), FixErrantGtid("0-1-7"))


@pytest.mark.lab
@pytest.mark.parametrize(
    ("gtids", "says"),
    [
        pytest.param("", "The errant set is empty", id="none"),
        pytest.param(f"{STRANGE}1:1-900", "at most 20 can be added", id="too many"),
    ],
)
def test_the_number_is_bounded(notes, gtids, says):
    with pytest.raises(Refused, match=says):
        check(notes, notes.instance("orders-1"), FixErrantGtid(gtids))


@pytest.mark.parametrize("text", ["x", f"{STRANGE}1", f"{STRANGE}1:1'; DROP", "0-1-7", f"{STRANGE}1:a"])
def test_what_is_no_set_is_never_sent(text):
    with pytest.raises(Refused, match="is not part of a GTID set"):
        expanded(text)


def test_a_set_one_by_one():
    assert expanded(f"{STRANGE}1:1-3:7, {STRANGE}2:tag:5") == [
        *(f"{STRANGE}1:{number}" for number in (1, 2, 3, 7)),
        f"{STRANGE}2:tag:5",
    ]
