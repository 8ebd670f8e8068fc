"""mysql.set_read_only: a replica takes no writes any more; a primary is never touched."""

from __future__ import annotations

import pymysql
import pytest

from actions.contract import Refused
from actions.remediations.mysql.set_read_only import SetReadOnly
from tests.actions.hands import administer, check, make, undo_of, verify

WRITE = "UPDATE notes SET note = 'here' WHERE id = 20"


@pytest.fixture
def writable(replica):
    """A replica that somebody made writable."""
    administer(replica, "SET GLOBAL read_only = 0")
    yield replica
    administer(replica, "SET GLOBAL read_only = 1")
    if replica.flavour == "mysql":
        administer(replica, "SET GLOBAL super_read_only = 1")


@pytest.mark.lab
def test_it_takes_no_writes_any_more(notes, writable, client):
    writer = client(writable)
    writer.begin()
    writer.ask("SELECT 1")
    set_it = SetReadOnly()
    check(notes, writable, set_it)
    undo = undo_of(notes, writable, set_it)
    name = "super_read_only" if writable.flavour == "mysql" else "read_only"
    assert make(notes, writable, set_it) == [f"SET GLOBAL {name} = 1"]
    assert verify(notes, writable, set_it).ok
    with pytest.raises(pymysql.err.OperationalError, match=r"read.only"):
        writer.ask(WRITE)
    assert undo[-1] == "SET GLOBAL read_only = 0"
    administer(writable, *undo)
    assert not verify(notes, writable, set_it).ok


@pytest.mark.lab
def test_a_server_that_follows_nobody_may_be_the_primary(notes, primary):
    with pytest.raises(Refused, match="it may be the primary"):
        check(notes, primary, SetReadOnly())


@pytest.mark.lab
def test_a_server_that_was_promoted_with_its_replication_only_stopped_is_never_touched(notes, promoted):
    with pytest.raises(Refused, match="it may have been promoted"):
        check(notes, promoted, SetReadOnly())


@pytest.mark.lab
def test_a_writable_server_that_others_follow_is_never_touched(notes, promoted):
    administer(promoted, "START REPLICA")
    with pytest.raises(Refused, match=r"Servers replicate from .* \(1 connected\)"):
        check(notes, promoted, SetReadOnly())
    administer(promoted, "STOP REPLICA")


@pytest.mark.lab
def test_what_is_so_already_is_refused(notes, replica):
    with pytest.raises(Refused, match="is already read-only"):
        check(notes, replica, SetReadOnly())


@pytest.mark.lab
def test_one_that_still_takes_writes_is_a_failed_change(notes, writable):
    verdict = verify(notes, writable, SetReadOnly())
    assert not verdict.ok
    assert "still accepts writes" in verdict.says
