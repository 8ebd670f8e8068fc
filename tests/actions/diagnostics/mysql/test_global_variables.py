"""mysql.global_variables: names are checked, values are text, and what a server does not know is absent."""

from __future__ import annotations

import pytest

from actions.contract import Unreadable
from actions.diagnostics.mysql.global_variables import global_variables
from tests.actions.hands import reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, Recorded


@pytest.mark.parametrize("version", [MYSQL_57, MYSQL_97, MARIADB_1011], ids=str)
def test_values_by_name(version):
    rows = [{"Variable_name": "read_only", "Value": "ON"}, {"Variable_name": "max_connections", "Value": "151"}]
    db = Recorded(version, {"SHOW GLOBAL VARIABLES": rows})
    found = global_variables(db, names=("read_only", "max_connections", "no_such"))
    assert found.values == {"read_only": "ON", "max_connections": "151"}
    assert db.asked == [
        (
            "SHOW GLOBAL VARIABLES WHERE Variable_name IN (%s, %s, %s)",
            ("read_only", "max_connections", "no_such"),
        )
    ]


def test_no_answer_is_no_values():
    assert global_variables(Recorded(MYSQL_97, {"SHOW": []}), names=("read_only",)).values == {}


@pytest.mark.parametrize(
    "names",
    [(), ("a",) * 51, ("Read_Only",), ("a' OR 1",), ("a%",), ("",), ("9a",), ("a" * 65,), ("a\n",)],
    ids=lambda names: repr(names[:1])[:20],
)
def test_what_is_no_name_is_never_sent(names):
    db = Recorded(MYSQL_97, {"SHOW": []})
    with pytest.raises(Unreadable, match="Name 1 to 50 variables"):
        global_variables(db, names=names)
    assert db.asked == []


@pytest.mark.lab
def test_real_variables(notes, primary):
    with reader(notes, primary) as db:
        found = global_variables(db, names=("max_connections", "read_only", "no_such_variable")).values
    assert found == {"max_connections": "100", "read_only": "OFF"}
