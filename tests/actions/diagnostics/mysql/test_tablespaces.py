"""mysql.tablespaces: what takes the room, without opening a table or its file."""

from __future__ import annotations

import pytest

from actions.diagnostics.mysql.tablespaces import Tablespaces, tablespaces
from bot.lab.connections import administrator, ask
from tests.actions.hands import reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_80, MYSQL_97, Recorded, named

LARGEST = [{"db": "shop", "name": "orders#p#p0", "size": 900}, {"db": "shop", "name": "temp_orders", "size": 300}]
SHARED = [{"kind": "UNDO LOG", "size": 500}, {"kind": "TEMPORARY", "size": 200}]


def answers(version, *, explicit=0, persistent="ON"):
    return Recorded(
        version,
        {
            "COUNT(*) AS tables": [{"tables": 4000, "size": 70_000}],
            "mysql.innodb_table_stats": LARGEST,
            "information_schema.FILES": SHARED,
            "INNODB_SYS_TABLESPACES": SHARED,
            "COALESCE(SUM(SIZE)": [{"size": 70}],
            "SESSION_TEMP": [{"id": 41, "size": 50}],
            "GLOBAL STATUS": named(Innodb_undo_tablespaces_explicit=explicit) if version == MYSQL_97 else [],
            "GLOBAL VARIABLES": named(innodb_stats_persistent=persistent),
        },
    )


@pytest.mark.parametrize("version", [MYSQL_57, MYSQL_80, MYSQL_97, MARIADB_1011], ids=str)
def test_space_by_kind(version):
    found = tablespaces(answers(version))
    assert [(each.name, each.size) for each in found.largest] == [("shop.orders#p#p0", 900), ("shop.temp_orders", 300)]
    assert (found.known, found.tables, found.undo) == (4000, 70_000, 500)
    tells = not version.is_mariadb and version.at_least(8, 0, 16)
    assert (found.temporary, found.busiest_session) == ((270, 41) if tells else (200, 0))
    assert found.complete


@pytest.mark.parametrize(
    ("version", "explicit", "part"),
    [
        (MYSQL_97, 0, "TABLESPACE_NAME IN"),
        (MYSQL_97, 1, "FILE_TYPE IN"),
        (MYSQL_57, 0, "FILE_TYPE IN"),
        (MARIADB_1011, 0, "INNODB_SYS_TABLESPACES"),
    ],
)
def test_undo_tablespaces_of_any_name_are_counted(version, explicit, part):
    db = answers(version, explicit=explicit)
    tablespaces(db)
    assert any(part in sql for sql, _ in db.asked)


def test_sizes_that_innodb_does_not_record_are_unknown():
    assert not tablespaces(answers(MYSQL_97, persistent="OFF")).complete


def test_the_default_claims_nothing():
    assert Tablespaces().tables == 0


@pytest.mark.lab
def test_real_servers(notes, server):
    with reader(notes, server) as db:
        found = tablespaces(db)
    assert "shop.notes" in [each.name for each in found.largest]
    assert found.tables > 0
    assert found.complete
    assert found.undo > 0 or server.name in ("billing-1",)  # 10.11 keeps it in the system tablespace


@pytest.mark.lab
def test_no_file_of_a_table_is_opened(notes, primary):
    with administrator(primary) as admin:
        counter = "SHOW GLOBAL STATUS LIKE 'Innodb_num_open_files'"
        before = int(ask(admin, counter)[0]["Value"])
        with reader(notes, primary) as db:
            tablespaces(db)
        assert int(ask(admin, counter)[0]["Value"]) - before <= 1  # that of mysql.innodb_table_stats, in MariaDB
