"""mysql.purge_binary_logs: what nobody needs goes, and never what a replica needs, connected or not."""

from __future__ import annotations

import pytest

from actions.contract import NoUndo, Refused
from actions.diagnostics.mysql.binary_logs import MOST_LOGS, binary_logs
from actions.diagnostics.mysql.replica_status import replica_status
from actions.remediations.mysql.purge_binary_logs import PurgeBinaryLogs
from bot.lab.waiting import wait_until
from tests.actions.hands import administer, check, make, reader, undo_of, verify
from tests.recorded import MYSQL_97, Recorded

LOGS = [{"Log_name": f"b.00000{number}", "File_size": 2 << 20} for number in range(1, 8)]


def server(dumps=()):
    return Recorded(MYSQL_97, {"BINARY LOGS": LOGS, "Binlog Dump": dumps})


def refuses(match: str, *, to: str = "b.000004", need=("b.000006", "b.000005"), replicas: int = 2, dumps=()) -> None:
    with pytest.raises(Refused, match=match):
        PurgeBinaryLogs(to, tuple(need), replicas).check(server(dumps))


def test_what_all_replicas_have_may_go():
    purge = PurgeBinaryLogs("b.000004", ("b.000006", "b.000004"), 2)
    purge.check(server())
    assert [str(each) for each in purge.change(server())] == ["PURGE BINARY LOGS TO 'b.000004'"]
    assert purge.cost(server()).startswith("3 logs before b.000004 are removed, 6 MiB.")


def test_a_replica_that_still_needs_them_keeps_them():
    refuses("still needs b.000003", need=("b.000006", "b.000003"))


def test_a_replica_that_needs_what_is_gone_already_keeps_the_rest():
    refuses("still needs a.000001", need=("b.000006", "a.000001"))


@pytest.mark.parametrize("need", [("b.000006",), ("b.000006", ""), ()], ids=["one is silent", "one is new", "all are"])
def test_a_replica_that_did_not_tell_keeps_them(need):
    refuses("reported which log they need", need=need)


def test_a_stranger_that_reads_along_keeps_them():
    dump = {"id": 1, "user": "cdc", "host": "h:1", "state": "", "time": 1}
    refuses(r"Find out what else reads it \(users cdc\)", dumps=[dump] * 3)


@pytest.mark.parametrize("to", ["", "b", "b.000004'", "../b.000004", "b.00004\n"])
def test_what_is_no_log_is_never_sent(to):
    refuses("is not the name of a binary log", to=to)


def test_three_always_stay():
    refuses("Fewer than 3 of 7 logs would remain", to="b.000006", need=("b.000007", "b.000007"))


def test_the_oldest_is_not_purged_to():
    refuses("there is nothing to purge", to="b.000001")


def test_a_log_that_is_not_there():
    refuses("has no log b.000009", to="b.000009", need=("b.000009", "b.000009"))


def test_a_log_beyond_the_thousandth_is_there():
    many = [{"Log_name": f"b.{number:06}", "File_size": 100} for number in range(1, 2001)]
    db = Recorded(MYSQL_97, {"BINARY LOGS": many, "Binlog Dump": ()})
    PurgeBinaryLogs("b.001500", ("b.001999", "b.002000"), 2).check(db)


def test_nothing_goes_while_the_newest_logs_are_unknown():
    many = [{"Log_name": f"b.{number:06}", "File_size": 100} for number in range(1, MOST_LOGS + 3)]
    with pytest.raises(Refused, match="more than 20,000 binary logs"):
        PurgeBinaryLogs("b.000015", ("b.000020",), 1).check(Recorded(MYSQL_97, {"BINARY LOGS": many}))


def of(lab, primary) -> PurgeBinaryLogs:
    """The remediation as the runbook builds it."""
    need = []
    for instance in lab.instances:
        if instance.source == primary.name:
            with reader(lab, instance) as db:
                need.append(replica_status(db).applied_source_log)
    with reader(lab, primary) as db:
        return PurgeBinaryLogs(binary_logs(db).before_newest, tuple(need), len(need))


@pytest.mark.lab
def test_real_logs_go_and_replicas_run_on(notes, primary):
    administer(primary, *["FLUSH BINARY LOGS"] * 5)
    wait_until(
        "the replicas have what is newest",
        lambda: all(each >= of(notes, primary).to for each in of(notes, primary).replicas_need),
        15,
    )
    purge = of(notes, primary)
    check(notes, primary, purge)
    assert make(notes, primary, purge) == [f"PURGE BINARY LOGS TO '{purge.to}'"]
    verdict = verify(notes, primary, purge)
    assert verdict.ok
    assert purge.to in verdict.says
    with pytest.raises(NoUndo, match="must be rebuilt"):
        undo_of(notes, primary, purge)


@pytest.mark.lab
def test_logs_that_are_still_there_are_a_failed_change(notes, primary):
    administer(primary, *["FLUSH BINARY LOGS"] * 4)
    assert not verify(notes, primary, of(notes, primary)).ok
