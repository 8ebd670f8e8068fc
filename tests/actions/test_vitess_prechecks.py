"""Shard records and moving workflows, read without a server."""

from __future__ import annotations

import pytest

from actions.contract import Refused
from actions.vitess_records import primary_alias
from actions.vitess_workflows import MOST_KEYSPACES, moving_workflows
from tests.vitess_shard import shard


def test_a_record_without_a_primary_is_refused():
    with pytest.raises(Refused, match="names no primary"):
        primary_alias(shard({"GetShard": {"shard": {"shard": {}}}}))


def test_more_keyspaces_than_can_be_looked_through_are_refused():
    many = {"keyspaces": [{"name": f"k{number}"} for number in range(MOST_KEYSPACES + 1)]}
    with pytest.raises(Refused, match="51 keyspaces, and workflows"):
        moving_workflows(shard({"GetKeyspaces": many}))
