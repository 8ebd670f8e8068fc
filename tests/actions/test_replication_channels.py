"""Replicas with several channels, on real servers: one channel is diagnosed, started, stopped or skipped, no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from actions.contract import Refused
from actions.diagnostics.mysql.applier_blockers import applier_blockers
from actions.diagnostics.mysql.applier_workers import applier_workers
from actions.diagnostics.mysql.replica_status import ReplicaStatus, replica_channels, replica_status
from actions.remediations.mysql.skip_transaction import SkipTransaction
from actions.remediations.mysql.start_replica import StartReplica
from actions.remediations.mysql.stop_replica import StopReplica
from bot.lab.connections import administrator, ask
from bot.lab.lab_state import LabInstance, LabState
from bot.lab.replication import replicates
from bot.lab.waiting import wait_until
from tests.actions.hands import administer, check, make, reader, undo_of, verify

FLAVOURS = pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
SECOND = "second"
WHERE = {"mysql": ("orders-3", "orders-2", "orders-1"), "mariadb": ("billing-2", "billing-3", "billing-1")}
"""The replica that gets a second channel, the source of that channel, and the source of both."""

pytestmark = pytest.mark.lab


def channels(lab: LabState, replica: LabInstance) -> dict[str, ReplicaStatus]:
    with reader(lab, replica) as db:
        return {each.channel: each for each in replica_channels(db)}


def states(lab: LabState, replica: LabInstance) -> dict[str, tuple[str, str]]:
    return {name: (each.receiver_running, each.applier_running) for name, each in channels(lab, replica).items()}


def named(replica: LabInstance, statement: str, channel: str = "") -> str:
    """START or STOP REPLICA of one channel, as an administrator would write it."""
    if replica.flavour == "mysql":
        return f"{statement} FOR CHANNEL '{channel}'"
    verb, noun, *thread = statement.split()
    return " ".join([verb, noun, f"'{channel}'", *thread])


@pytest.fixture
def two_channels(sound_lab: LabState, notes: LabState) -> Iterator[Callable[[str], LabInstance]]:
    """A replica that follows its source directly, and on a second channel through another replica of it."""
    made: list[LabInstance] = []

    def add(flavour: str) -> LabInstance:
        replica, source = (notes.instance(name) for name in WHERE[flavour][:2])
        made.append(replica)
        login = notes.replication
        values: tuple[Any, ...] = (source.host, source.port, login.user, login.password)
        with administrator(replica) as admin:
            if flavour == "mysql":
                ask(
                    admin,
                    "CHANGE REPLICATION SOURCE TO SOURCE_HOST=%s, SOURCE_PORT=%s, SOURCE_USER=%s, SOURCE_PASSWORD=%s, "
                    "SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1, SOURCE_CONNECT_RETRY=1 FOR CHANNEL 'second'",
                    values,
                )
            else:
                ask(admin, "STOP ALL SLAVES")
                ask(admin, "SET GLOBAL gtid_ignore_duplicates = ON")
                ask(
                    admin,
                    "CHANGE MASTER 'second' TO MASTER_HOST=%s, MASTER_PORT=%s, MASTER_USER=%s, MASTER_PASSWORD=%s, "
                    "MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1, MASTER_SSL=0",
                    values,
                )
                ask(admin, named(replica, "START REPLICA"))
            ask(admin, named(replica, "START REPLICA", SECOND))
        wait_until("both channels run", lambda: both_run(notes, replica))
        return replica

    yield add
    for replica in made:
        failed = channels(notes, replica)[SECOND].applier_errno == 1062
        with administrator(replica) as admin:
            if replica.flavour == "mysql":
                ask(admin, "STOP REPLICA")
                ask(admin, "RESET REPLICA ALL FOR CHANNEL 'second'")
            else:
                ask(admin, "STOP ALL SLAVES")
                ask(admin, "RESET REPLICA 'second' ALL")
                ask(admin, "SET GLOBAL gtid_ignore_duplicates = OFF")
            ask(
                admin,
                "SET GLOBAL super_read_only = OFF" if replica.flavour == "mysql" else "SET GLOBAL read_only = OFF",
            )
            ask(admin, "SET SESSION sql_log_bin = 0")
            if failed:
                ask(admin, "DELETE FROM shop.notes WHERE id >= 900")
            retries = "replica_transaction_retries" if replica.flavour == "mysql" else "slave_transaction_retries"
            ask(admin, "SET GLOBAL innodb_lock_wait_timeout = 50")
            ask(admin, f"SET GLOBAL {retries} = 10")
            ask(admin, "START REPLICA")
            on = "super_read_only" if replica.flavour == "mysql" else "read_only"
            ask(admin, f"SET GLOBAL {on} = ON")
        administer(notes.instance(replica.source or ""), "DELETE FROM shop.notes WHERE id >= 900")
        wait_until("the replica runs again", lambda replica=replica: replicates(replica))  # type: ignore[misc]


def stopped_second(lab: LabState, replica: LabInstance) -> ReplicaStatus:
    """Returns the second channel; its receiver is started again where it is stopped.

    MySQL 9.7.4 reports a wrong checksum (13122) on one channel when another one is stopped.
    """
    found = channels(lab, replica)[SECOND]
    if found.receiver_running == "No":
        administer(replica, named(replica, "START REPLICA IO_THREAD", SECOND))
    return found


def both_run(lab: LabState, replica: LabInstance) -> bool:
    stopped_second(lab, replica)
    return all(each.running for each in channels(lab, replica).values())


def fails_on_the_second(lab: LabState, replica: LabInstance) -> None:
    """Stops the default channel by hand, and has the second one fail with 1062."""
    off = "SET GLOBAL super_read_only = OFF" if replica.flavour == "mysql" else "SET GLOBAL read_only = OFF"
    administer(replica, named(replica, "STOP REPLICA"))
    administer(replica, off, "SET SESSION sql_log_bin = 0", "INSERT INTO shop.notes VALUES (900, 'here first')")
    administer(lab.instance(replica.source or ""), "INSERT INTO shop.notes VALUES (900, 'from the source')")
    wait_until("the second channel fails", lambda: stopped_second(lab, replica).applier_errno == 1062)
    wait_until("its receiver runs", lambda: stopped_second(lab, replica).receiver_running == "Yes")


@FLAVOURS
def test_an_error_is_not_hidden_by_a_channel_that_was_stopped_by_hand(notes, two_channels, flavour):
    replica = two_channels(flavour)
    fails_on_the_second(notes, replica)
    with reader(notes, replica) as db:
        told, by_hand = replica_status(db), replica_status(db, channel="nobody")
        assert replica_status(db, channel="SECOND") == told
        assert SECOND not in applier_workers(db, channel="").error
    assert (told.channel, told.applier_errno, told.of_channel) == (SECOND, 1062, " of channel second")
    assert [each.says for each in told.others] == [
        "the default channel (applier stopped, no error, receiver stopped, no error)"
    ]
    assert told.others_failed == ""
    assert (by_hand.configured, by_hand.channel, len(by_hand.others)) == (False, "nobody", 2)


@FLAVOURS
def test_a_skip_is_of_one_channel_and_the_one_stopped_by_hand_stays_stopped(notes, two_channels, flavour):
    replica = two_channels(flavour)
    fails_on_the_second(notes, replica)
    with pytest.raises(Refused, match=r"The applier of the default channel of .* did not stop with error 1062"):
        check(notes, replica, SkipTransaction(1062))
    skip = SkipTransaction(1062, channel=SECOND)
    check(notes, replica, skip)
    made = make(notes, replica, skip)
    assert made[-1] == named(replica, "START REPLICA SQL_THREAD", SECOND)
    assert verify(notes, replica, skip).ok
    assert states(notes, replica) == {"": ("No", "No"), SECOND: ("Yes", "Yes")}
    if flavour == "mariadb":
        assert made[0] == "SET SESSION default_master_connection = 'second'"
    with administrator(replica) as admin:
        assert ask(admin, "SELECT note FROM shop.notes WHERE id = 900") == [{"note": "here first"}]


@FLAVOURS
def test_one_channel_is_stopped_and_started_again_and_the_other_goes_on(notes, two_channels, flavour):
    replica = two_channels(flavour)
    for channel, other in ((SECOND, ""), ("", SECOND)):
        stop = StopReplica(channel=channel)
        check(notes, replica, stop)
        undo = undo_of(notes, replica, stop)
        [made] = make(notes, replica, stop)
        assert verify(notes, replica, stop).ok
        found = states(notes, replica)
        assert (found[channel], found[other][1]) == (("No", "No"), "Yes")
        if flavour == "mysql":
            assert made == f"STOP REPLICA FOR CHANNEL '{channel}'"
        assert undo == [made.replace("STOP", "START")]
        administer(replica, *undo, named(replica, "START REPLICA", other))
        wait_until("both run again", lambda: both_run(notes, replica))


@FLAVOURS
def test_what_was_stopped_by_hand_is_not_started_with_another_channel(notes, two_channels, flavour):
    """The applier of one channel gives up on a lock; as long as that is held, a start is refused and does not help."""
    replica = two_channels(flavour)
    retries = "replica_transaction_retries" if flavour == "mysql" else "slave_transaction_retries"
    administer(replica, named(replica, "STOP REPLICA"), named(replica, "STOP REPLICA SQL_THREAD", SECOND))
    administer(replica, "SET GLOBAL innodb_lock_wait_timeout = 1", f"SET GLOBAL {retries} = 0")
    with administrator(replica) as holder:
        ask(holder, "BEGIN")
        ask(holder, "SELECT * FROM shop.notes WHERE id = 20 LOCK IN SHARE MODE")
        administer(replica, named(replica, "START REPLICA SQL_THREAD", SECOND))
        administer(notes.instance(replica.source or ""), "UPDATE shop.notes SET note = CONCAT(note, '!') WHERE id = 20")
        wait_until("it gives up", lambda: stopped_second(notes, replica).applier_errno == 1205)
        start = StartReplica(thread="applier", channel=SECOND)
        with reader(notes, replica) as db:
            found = applier_blockers(db)
        assert holder.thread_id() in {each.thread_id for each in found.blockers}
        assert found.gives_up_after == 1
        with pytest.raises(Refused, match=r"gave up on a row lock, and session .* may still hold it"):
            check(notes, replica, start)

        administer(replica, "SET GLOBAL innodb_lock_wait_timeout = 50", f"SET GLOBAL {retries} = 10")
        assert make(notes, replica, start) == [named(replica, "START REPLICA SQL_THREAD", SECOND)]
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(StartReplica, "settles_within", 4.0)
            verdict = verify(notes, replica, start)
        assert (verdict.ok, verdict.known) == (False, False)
        assert "is running, but it is not known whether it gets on" in verdict.says
        assert "it gives up after up to 550 s" in verdict.says
        ask(holder, "ROLLBACK")
    wait_until("its receiver runs", lambda: stopped_second(notes, replica).receiver_running == "Yes")
    assert verify(notes, replica, start).ok
    assert states(notes, replica) == {"": ("No", "No"), SECOND: ("Yes", "Yes")}
    assert undo_of(notes, replica, StartReplica(stopped_by_hand_too=True)) == [
        "STOP REPLICA FOR CHANNEL ''" if flavour == "mysql" else "STOP REPLICA"
    ]
