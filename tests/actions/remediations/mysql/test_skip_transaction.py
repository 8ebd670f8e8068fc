"""mysql.skip_transaction: the one transaction that failed is passed over, and no other."""

from __future__ import annotations

import pytest

from actions.contract import NoUndo, Refused
from actions.remediations.mysql.skip_transaction import SkipTransaction
from bot.lab.fault_injection.inject import fix_fault
from bot.lab.replication import replica_status
from tests.actions.hands import check, make, undo_of, verify
from tests.recorded import MYSQL_97, Recorded

GTID = "0cd39d74-e825-11f1-83c0-02fc00000001"
STATUS = {"Replica_IO_Running": "Yes", "Replica_SQL_Running": "No", "Last_SQL_Errno": 1062}


@pytest.mark.lab
@pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
def test_the_applier_runs_past_it(notes, sound_lab, broken, flavour):
    replica = broken("duplicate_key", flavour)
    skip = SkipTransaction(1062)
    check(notes, replica, skip)
    made = make(notes, replica, skip)
    assert verify(notes, replica, skip).ok
    assert replica_status(replica)["Replica_SQL_Running"] == "Yes"
    if flavour == "mysql":
        assert made[0].startswith("SET GTID_NEXT = '")
        assert made[1:] == ["BEGIN", "COMMIT", "SET GTID_NEXT = 'AUTOMATIC'", "START REPLICA SQL_THREAD"]
    else:
        assert made == ["SET GLOBAL sql_slave_skip_counter = 1", "START REPLICA SQL_THREAD"]
    with pytest.raises(NoUndo, match="counts as executed"):
        undo_of(notes, replica, skip)
    fix_fault(sound_lab.folder, "duplicate_key" if flavour == "mysql" else "duplicate_key_mariadb")


@pytest.mark.lab
@pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
def test_another_error_is_not_skipped_in_its_place(notes, broken, flavour):
    replica = broken("duplicate_key", flavour)
    with pytest.raises(Refused, match="did not stop with error 1032"):
        check(notes, replica, SkipTransaction(1032))


@pytest.mark.lab
@pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
def test_one_that_fails_again_is_a_failed_change(notes, broken, flavour):
    replica = broken("duplicate_key", flavour)
    verdict = verify(notes, replica, SkipTransaction(1062))
    assert not verdict.ok
    assert "stopped again: error 1062" in verdict.says


@pytest.mark.lab
def test_an_applier_that_runs_is_left_alone(notes, replica):
    with pytest.raises(Refused, match="did not stop with error 1062"):
        check(notes, replica, SkipTransaction(1062))


@pytest.mark.parametrize("errno", [1205, 1236, 3])
def test_errors_that_mean_something_else_are_never_skipped(errno):
    db = Recorded(MYSQL_97, {"REPLICA STATUS": [{**STATUS, "Last_SQL_Errno": errno}]})
    with pytest.raises(Refused, match="skipping it would lose data"):
        SkipTransaction(errno).check(db)


def test_the_gtid_is_read_of_the_worker_and_never_guessed():
    told = "Worker 1 failed executing transaction 'ANONYMOUS' at source log b.1"
    rows = [{"error": told, "applying": ""}]
    db = Recorded(MYSQL_97, {"REPLICA STATUS": [STATUS], "applier_status_by_worker": rows})
    with pytest.raises(Refused, match="does not report the GTID"):
        SkipTransaction(1062).check(db)
    tagged = f"Worker 1 failed executing transaction '{GTID}:tag:7' at source log b.1"
    rows = [{"error": tagged, "applying": ""}]
    db = Recorded(MYSQL_97, {"REPLICA STATUS": [STATUS], "applier_status_by_worker": rows})
    assert str(next(SkipTransaction(1062).change(db))) == f"SET GTID_NEXT = '{GTID}:tag:7'"
