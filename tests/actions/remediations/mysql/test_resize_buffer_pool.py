"""mysql.resize_buffer_pool: within what the server rounds to and the host has."""

from __future__ import annotations

import pytest

from actions.contract import Refused
from actions.remediations.mysql.resize_buffer_pool import ResizeBufferPool
from tests.actions.hands import administer, check, make, undo_of, verify
from tests.recorded import MARIADB_1011, MYSQL_97, Recorded, named

MIB = 1 << 20
GRAIN = {"innodb_buffer_pool_chunk_size": 32 * MIB, "innodb_buffer_pool_instances": 2}


def refuses(match: str, size: int, *, available: int = 64 << 30, version=MYSQL_97, **values: int) -> None:
    has = named(**{"innodb_buffer_pool_size": 128 * MIB, **GRAIN, **values})
    with pytest.raises(Refused, match=match):
        ResizeBufferPool(size, available).check(Recorded(version, {"GLOBAL VARIABLES": has}))


def test_the_size_that_it_has():
    refuses("already", 128 * MIB)


def test_a_size_that_the_server_would_round():
    refuses("a multiple of 67,108,864", 129 * MIB)


def test_a_step_that_is_too_large():
    refuses("one step may set it to", 512 * MIB)


def test_a_host_without_room():
    refuses("the server would swap, or the kernel would kill it", 256 * MIB, available=130 * MIB)


def test_a_limit_that_takes_a_restart():
    refuses("innodb_buffer_pool_size_max", 256 * MIB, version=MARIADB_1011, innodb_buffer_pool_size_max=128 * MIB)


@pytest.mark.lab
@pytest.mark.parametrize("name", ["orders-3", "billing-2", "billing-3"])
def test_a_real_pool_grows_and_shrinks_back(notes, name):
    instance = notes.instance(name)
    grow = ResizeBufferPool(128 * MIB, 64 << 30)
    check(notes, instance, grow)
    undo = undo_of(notes, instance, grow)
    try:
        assert make(notes, instance, grow) == [f"SET GLOBAL innodb_buffer_pool_size = {128 * MIB}"]
        assert verify(notes, instance, grow).ok
    finally:
        administer(instance, *undo)
    assert undo == [f"SET GLOBAL innodb_buffer_pool_size = {64 * MIB}"]


@pytest.mark.lab
def test_another_size_is_a_failed_change(notes, replica, monkeypatch):
    monkeypatch.setattr(ResizeBufferPool, "settles_within", 0.3)
    assert not verify(notes, replica, ResizeBufferPool(128 * MIB, 64 << 30)).ok
