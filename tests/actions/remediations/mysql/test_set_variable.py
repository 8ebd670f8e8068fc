"""mysql.set_variable: within bounds, for a while, with the old value at hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actions.contract import Flavour, Refused, Unreadable
from actions.remediations.mysql.set_variable import ALLOWED, LONGEST, SetVariable
from tests.actions.hands import administer, check, make, reader, undo_of, verify
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_80, MYSQL_97, Recorded

WIDER = SetVariable(name="max_connections", value=150)


class Variables(Recorded):
    """Answers with the variable that is asked for."""

    def __init__(self, version=MYSQL_97, *, replicates=False, **values):
        super().__init__(version, {})
        self.values = values
        self.replicates = replicates

    def rows(self, sql, params=(), *, limit=200, costly=False):
        if sql.startswith("SHOW GLOBAL VARIABLES"):
            return [{"Variable_name": n, "Value": str(self.values[n])} for n in params if n in self.values]
        if sql.startswith("SHOW GLOBAL STATUS"):
            return []
        return [{"Replica_IO_Running": "Yes"}] if self.replicates else []


# -- on real servers --------------------------------------------------------------------------------------------------


@pytest.mark.lab
def test_a_variable_is_set_seen_and_set_back(notes, primary):
    check(notes, primary, WIDER)
    undo = undo_of(notes, primary, WIDER)
    try:
        assert make(notes, primary, WIDER) == ["SET GLOBAL `max_connections` = 150"]
        verdict = verify(notes, primary, WIDER)
        assert (verdict.ok, verdict.says) == (True, f"max_connections of {primary.address} is 150.")
    finally:
        administer(primary, *undo)
    assert undo == ["SET GLOBAL `max_connections` = 100"]
    verdict = verify(notes, primary, WIDER)
    assert (verdict.ok, verdict.says) == (False, f"max_connections of {primary.address} is 100.")


def candidates(now: int) -> list[int]:
    return [2 * now, now + 1, now - 1, now // 2, 1, 2, 1000]


@pytest.mark.lab
@pytest.mark.parametrize("name", ALLOWED)
def test_the_changer_may_set_and_restore_every_variable_that_is_allowed(notes, replica, name):
    if Flavour(replica.flavour) not in ALLOWED[name].flavours:
        with pytest.raises(Refused, match=f"{name} is not one of the variables that may be set on {replica.flavour}"):
            check(notes, replica, SetVariable(name, 1))
        return
    with reader(notes, replica) as db:
        now = int(db.rows("SHOW GLOBAL VARIABLES WHERE Variable_name = %s", (name,))[0]["Value"])
        wanted = next(each for each in candidates(now) if allowed(SetVariable(name, each), db))
    setting = SetVariable(name, wanted)
    undo = undo_of(notes, replica, setting)
    try:
        make(notes, replica, setting)
        assert verify(notes, replica, setting).ok
    finally:
        make(notes, replica, SetVariable(name, now))
    assert undo == [f"SET GLOBAL `{name}` = {now}"]
    assert verify(notes, replica, SetVariable(name, now)).ok


def allowed(setting, db) -> bool:
    try:
        setting.check(db)
    except Refused:
        return False
    return True


@pytest.mark.lab
@pytest.mark.parametrize(("name", "value"), [("innodb_flush_log_at_trx_commit", 0), ("sync_binlog", 100)])
def test_what_weakens_durability_is_for_replicas_alone(notes, primary, name, value):
    assert ALLOWED[name].replica_only
    with pytest.raises(Refused, match=rf"{name} may be changed on replicas only, and .* does not replicate"):
        check(notes, primary, SetVariable(name, value))


@pytest.mark.lab
def test_what_is_set_already_and_what_is_too_much_is_refused(notes, primary):
    with pytest.raises(Refused, match=r"max_connections of .* is already 100"):
        check(notes, primary, replace(WIDER, value=100))
    with pytest.raises(
        Refused, match=r"max_connections=201 is out of bounds on .*: it is 100 now, and 50 to 200 are allowed"
    ):
        check(notes, primary, replace(WIDER, value=201))


@pytest.mark.lab
def test_two_variables_that_bind_each_other_are_changed_in_order(notes, primary):
    with reader(notes, primary) as db:
        now, before = (
            int(db.rows("SHOW GLOBAL VARIABLES WHERE Variable_name = %s", (name,))[0]["Value"])
            for name in ("innodb_io_capacity", "innodb_io_capacity_max")
        )
    most = 2 * now
    administer(primary, f"SET GLOBAL innodb_io_capacity_max = {most}")
    try:
        above = f"would be above innodb_io_capacity_max={most} of .* Change innodb_io_capacity_max first"
        with pytest.raises(Refused, match=above):
            check(notes, primary, SetVariable("innodb_io_capacity", most + 1))
        with pytest.raises(Refused, match=f"would be below innodb_io_capacity={now} of .* Change innodb_io_capacity"):
            check(notes, primary, SetVariable("innodb_io_capacity_max", now - 1))
    finally:
        administer(primary, f"SET GLOBAL innodb_io_capacity_max = {before}")


@pytest.mark.lab
def test_a_value_that_the_server_made_another_one_is_a_failed_change(notes):
    """MySQL rounds it down in silence, which the check would have refused."""
    replica = notes.instance("orders-2")
    setting = SetVariable("innodb_redo_log_capacity", (16 << 20) + 1)
    with pytest.raises(Refused, match="in steps of 1048576"):
        check(notes, replica, setting)
    make(notes, replica, setting)
    verdict = verify(notes, replica, setting)
    assert (verdict.ok, verdict.says) == (False, f"innodb_redo_log_capacity of {replica.address} is {16 << 20}.")


# -- pure -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "name"),
    [
        (MYSQL_97, "no_such_variable"),
        (MYSQL_97, "super_read_only"),
        (MYSQL_97, "general_log"),
        (MYSQL_97, "max_connections; DROP"),
        (MYSQL_97, "slave_transaction_retries"),
        (MARIADB_1011, "replica_transaction_retries"),
        (MARIADB_1011, "innodb_redo_log_capacity"),
    ],
)
def test_other_variables_are_refused(version, name):
    with pytest.raises(Refused, match="is not one of the variables that may be set on"):
        SetVariable(name, 1).check(Variables(version))


@pytest.mark.parametrize(("version", "name"), [(MYSQL_57, "innodb_redo_log_capacity"), (MYSQL_80, "max_connections")])
def test_a_variable_that_the_server_does_not_have_is_refused(version, name):
    with pytest.raises(Refused, match=f"has no variable {name}"):
        SetVariable(name, 16 << 20).check(Variables(version))


@pytest.mark.parametrize("after", [0, -1, LONGEST + 1, float("nan"), float("inf")])
def test_every_change_is_reverted_in_time(after):
    with pytest.raises(Refused, match=r"must be reverted within 86400 s"):
        replace(WIDER, revert_after=after).check(Variables(max_connections=100))


@pytest.mark.parametrize(
    ("name", "now", "values", "says"),
    [
        ("max_connections", 100, (49, 201), "now, and 50 to 200 are allowed"),
        ("max_connections", 15_000, (20_001,), "now, and 7500 to 20000 are allowed"),
        ("max_connections", 4, (9, 3), "now, and 10 to 8 are allowed"),
        ("innodb_redo_log_capacity", 64 << 20, (32 << 20, (64 << 20) + 1), "in steps of 1048576"),
        ("binlog_expire_logs_seconds", 86_400, (3600, 86_399), "now, and 86400 to 345600 are allowed"),
        ("sync_binlog", 1, (-1, 10_001), "now, and 0 to 10000 are allowed"),
        ("innodb_flush_log_at_trx_commit", 1, (3,), "now, and 0 to 2 are allowed"),
    ],
)
def test_bounds(name, now, values, says):
    for value in values:
        with pytest.raises(Refused, match=says):
            SetVariable(name, value).check(Variables(replicates=True, **{name: now}))


@pytest.mark.parametrize("name", ["binlog_expire_logs_seconds", "innodb_redo_log_capacity"])
def test_what_a_smaller_value_would_remove_is_kept(name):
    now = 64 << 20 if name.startswith("innodb") else 7200
    SetVariable(name, 2 * now).check(Variables(**{name: now}))
    with pytest.raises(Refused, match=f"now, and {now} to"):
        SetVariable(name, now // 2).check(Variables(**{name: now}))


def test_a_value_that_is_no_whole_number_is_not_guessed():
    with pytest.raises(Unreadable, match="is not a whole number: 'ON'"):
        WIDER.check(Variables(max_connections="ON"))


def test_nothing_is_persisted():
    (made,) = WIDER.change(Variables())
    (undo,) = WIDER.undo(Variables(max_connections=100))
    assert str(made) == "SET GLOBAL `max_connections` = 150"
    assert str(undo) == "SET GLOBAL `max_connections` = 100"
    assert WIDER.revert_after == 3600.0


@pytest.mark.lab
def test_more_connections_than_the_open_files_allow_are_refused(notes, primary):
    with reader(notes, primary) as db:
        cache = int(db.rows("SELECT @@GLOBAL.table_open_cache AS n")[0]["n"])
    administer(primary, "SET GLOBAL table_open_cache = 9960")
    try:
        with pytest.raises(Refused, match="does not fit the open files"):
            check(notes, primary, SetVariable(name="max_connections", value=150))
        check(notes, primary, SetVariable(name="max_connections", value=90))
    finally:
        administer(primary, f"SET GLOBAL table_open_cache = {cache}")
    check(notes, primary, WIDER)


def test_a_raise_that_fits_says_what_memory_it_may_take():
    buffers = {"sort_buffer_size": 1 << 20, "join_buffer_size": 1 << 20}
    db = Variables(max_connections=100, open_files_limit=10_000, table_open_cache=4000, **buffers)
    WIDER.check(db)
    assert WIDER.cost(db).startswith("50 more sessions may take up to 100 MiB for their buffers")
    assert SetVariable(name="max_connections", value=90).cost(db) == ""


def test_a_raise_that_does_not_fit_is_refused_and_a_server_that_does_not_say_is_not_judged():
    with pytest.raises(
        Refused, match="open_files_limit is 1024, and the caches of tables may take 1000 of them, so that"
    ):
        WIDER.check(Variables(max_connections=100, open_files_limit=1024, table_open_cache=500))
    WIDER.check(Variables(max_connections=100, open_files_limit=0, table_open_cache=500))
