"""mysql.configuration: what members should share, and who changed what by hand."""

from __future__ import annotations

import pytest

from actions.diagnostics.mysql.configuration import configuration
from tests.actions.hands import administer, reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, Recorded, named

CHANGED = {"name": "max_allowed_packet", "value": "1048576", "source": "DYNAMIC", "user": "root", "age": 60}


@pytest.mark.parametrize(
    ("version", "tells"), [(MYSQL_57, False), (MYSQL_97, True), (MARIADB_1011, False)], ids=["5.7", "9.7", "mariadb"]
)
def test_who_changed_it_where_the_server_tells(version, tells):
    rows = [CHANGED, {**CHANGED, "name": "lock_wait_timeout"}]
    db = Recorded(version, {"GLOBAL VARIABLES": named(sql_mode="STRICT"), "variables_info": rows})
    found = configuration(db)
    assert (found.address, found.values, found.told) == ("db7:3306", {"sql_mode": "STRICT"}, tells)
    assert [(each.name, each.user, each.age) for each in found.changed] == (
        [("max_allowed_packet", "root", 60.0)] if tells else []
    )


@pytest.mark.lab
def test_a_real_change_by_hand(notes, server):
    administer(server, "SET GLOBAL max_allowed_packet = 33554432")
    with reader(notes, server) as db:
        found = configuration(db)
    administer(server, f"SET GLOBAL max_allowed_packet = {64 << 20 if server.flavour == 'mysql' else 16 << 20}")
    assert found.values["max_allowed_packet"] == "33554432"
    assert found.values["log_bin"] == "ON"
    if server.flavour == "mysql":
        assert ("max_allowed_packet", "admin") in [(each.name, each.user) for each in found.changed]
