"""States of replication on one or two channels of a replica."""

from __future__ import annotations

from random import Random

from bot.lab.random_faults.primitives.locks import FOREVER, NOT_RECORDED
from bot.lab.random_faults.primitives.primitive import REPLICATION, Primitive, Values, nothing_drawn
from bot.lab.random_faults.primitives.replicas import SECOND, Replica
from bot.lab.random_faults.primitives.tables import make_table
from bot.lab.random_faults.scenario import ANY, Part
from bot.lab.random_faults.stage import Client, Stage
from bot.lab.random_faults.truth import Remedy, Truth

STOPPED = frozenset({"replication", "lag", ANY})
APPLIES_FOR = 14
"""Seconds that a large transaction takes."""
BLOCKED = frozenset({"lag", "locks", ANY})
APPLIER_LOOKS = ("mysql/first-look:replication_stopped", "mysql/replication-lag:applier_stopped*")
RECEIVER_LOOKS = ("mysql/first-look:replication_stopped", "mysql/replication-lag:receiver_down")
"""Causes that say no more than that a thread has stopped."""
SHARED = " LOCK IN SHARE MODE"
"""A read-only server refuses FOR UPDATE."""
CLAIMS = frozenset({REPLICATION})
START_APPLIER = Remedy("mysql.start_replica", {"thread": frozenset({"applier"}), "channel": frozenset({""})})


def _channels(random: Random) -> Values:
    """Draws which channel fails, and whether the replica has a second one."""
    drawn = random.randrange(4)
    return {"channel": SECOND if drawn == 3 else "", "second": drawn >= 2}


def _second_stopped(random: Random) -> Values:
    """Draws whether the replica has a second channel, which a person has stopped: it cannot be a running one.

    A running second channel would bring the failing transaction, too, and fail in the same way.
    """
    second = random.random() < 0.4
    return {"second": second, "second_stopped": second}


def _replica(stage: Stage, part: Part) -> Replica:
    """Returns the replica of a part, with its second channel where it has one."""
    replica = Replica(stage, part.on)
    if part.flag("second"):
        replica.add_second_channel()
    if part.flag("second_stopped"):
        replica.stop("applier", SECOND)
    return replica


def stopped(thread: str) -> Primitive:
    """Returns the primitive of a thread that a person has stopped: it is not to be started."""
    looks = APPLIER_LOOKS if thread == "applier" else RECEIVER_LOOKS

    def inject(stage: Stage, part: Part) -> Truth:
        replica, channel = _replica(stage, part), part.text("channel")
        replica.stop(thread, channel)
        stage.finally_(lambda: replica.start(channel))
        return Truth(
            primitive=f"{thread}_stopped",
            instance=part.on,
            symptoms=STOPPED,
            named=("mysql/replication-stopped:stopped_by_hand", *looks[1:]),
            must_name=channel,
            causes=looks[:1],
        )

    return Primitive(f"{thread}_stopped", "replica", STOPPED, inject, _channels, claims=CLAIMS)


def _receiver_refused(stage: Stage, part: Part) -> Truth:
    replica, channel = _replica(stage, part), part.text("channel")
    stage.finally_(lambda: replica.set_password(stage.state.replication.password, channel))
    replica.set_password("wrong", channel)
    stage.wait(part.on, f"{part.on} is refused", lambda: int(replica.status(channel).get("Last_IO_Errno") or 0) == 1045)
    return Truth(
        primitive="receiver_refused",
        instance=part.on,
        symptoms=STOPPED,
        named=("mysql/replication-stopped:source_refuses_user", *RECEIVER_LOOKS[1:]),
        must_name=channel,
        causes=RECEIVER_LOOKS[:1],
    )


def failed(number: int, cause: str) -> Primitive:
    """Returns the primitive of an applier that stopped with an error, because the replica's data differs."""

    def inject(stage: Stage, part: Part) -> Truth:
        replica = _replica(stage, part)
        replica.differ(number)
        stage.wait(part.on, f"{part.on} stops with {number}", lambda: replica.applier_error() == number)
        return Truth(
            primitive=f"applier_{number}",
            instance=part.on,
            symptoms=STOPPED,
            causes=(f"mysql/replication-stopped:{cause}", *APPLIER_LOOKS),
        )

    return Primitive(
        f"applier_{number}",
        "replica",
        STOPPED,
        inject,
        _second_stopped,
        claims=CLAIMS,
    )


def _delayed(stage: Stage, part: Part) -> Truth:
    Replica(stage, part.on).delay(3600)
    return Truth(
        primitive="delayed",
        instance=part.on,
        symptoms=frozenset({"lag"}),
        causes=("mysql/replication-lag:delayed_on_purpose",),
        age=3.0,
    )


def _holder(stage: Stage, part: Part, statement: str) -> Client:
    """Opens the session on the replica that the applier will wait for."""
    if part.flag("busy"):
        root = stage.run(part.on, part.text("holder", "app"), "BEGIN", statement, f"SELECT SLEEP({FOREVER})")
        stage.await_statements(part.on, [root])
        return root
    return stage.open(part.on, part.text("holder", "app"), "BEGIN", statement)


def blocked(kind: str) -> Primitive:
    """Returns the primitive of an applier that waits for a local session: for a row or for a metadata lock."""

    def inject(stage: Stage, part: Part) -> Truth:
        replica = _replica(stage, part)
        table = make_table(stage, part, on=replica.source)
        stage.wait(part.on, f"{table} reaches {part.on}", lambda: replica.has(table))
        row = kind == "row"
        read = f"SELECT * FROM {table} WHERE id = 1" + (SHARED if row else "")
        root = _holder(stage, part, read)
        change = f"UPDATE {table} SET n = 777 WHERE id = 1" if row else f"ALTER TABLE {table} ADD COLUMN more INT"
        stage.admin(replica.source, change)
        waits = (
            "SELECT COUNT(*) AS n FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'"
            if row
            else "SELECT COUNT(*) AS n FROM information_schema.PROCESSLIST WHERE STATE LIKE 'Waiting for table meta%'"
        )
        stage.wait(part.on, f"the applier of {part.on} waits", lambda: bool(stage.admin(part.on, waits)[0]["n"]))
        recorded = row or (replica.instance.flavour == "mysql" and part.on not in stage.unrecorded)
        protected = part.text("holder") == "backup_tool"
        looks = ("mysql/first-look:sessions_blocked", *(APPLIER_LOOKS[:1] if part.flag("second_stopped") else ()))
        applied = f"SELECT n FROM {table} WHERE n = 777" if row else f"SELECT COUNT(more) AS n FROM {table}"
        kill = Remedy("mysql.kill_connection", {"thread_id": frozenset({str(root.thread_id)})})
        return Truth(
            primitive=f"applier_behind_{kind}",
            instance=part.on,
            symptoms=BLOCKED,
            names=(f"ession {root.thread_id} of",),
            causes=(*looks, *(() if recorded else NOT_RECORDED)),
            named=("mysql/replication-lag:applier_stopped*",) if part.flag("second_stopped") else (),
            must_name=SECOND,
            remedies=() if protected else (kill,),
            offers=_offers(part) if recorded and not protected else frozenset(),
            good=lambda: replica.answers(applied),
            age=5.5 if part.flag("busy") else 2.5,
        )

    def draw(random: Random) -> Values:
        holder = random.choice(("app", "app", "backup_tool"))
        return {"busy": random.random() < 0.4, "holder": holder, **_second_stopped(random)}

    return Primitive(f"applier_behind_{kind}", "replica", BLOCKED, inject, draw, claims=CLAIMS)


def _offers(part: Part) -> frozenset[str]:
    """Returns the alerts for which the holder's end must be offered.

    A lag that is not of a certain channel may as well be that of the one that a person has stopped.
    """
    return frozenset({"locks"}) if part.flag("second_stopped") else frozenset({"lag", "locks"})


def timed_out(*, held: bool) -> Primitive:
    """Returns the primitive of an applier that gave up waiting for a row, while the holder lives or after it."""
    name = f"applier_1205_{'held' if held else 'free'}"

    def inject(stage: Stage, part: Part) -> Truth:
        replica = _replica(stage, part)
        table = make_table(stage, part, on=replica.source)
        stage.wait(part.on, f"{table} reaches {part.on}", lambda: replica.has(table))
        replica.be_impatient()
        root = _holder(stage, part, f"SELECT * FROM {table} WHERE id = 1{SHARED}")
        stage.admin(replica.source, f"UPDATE {table} SET n = 777 WHERE id = 1")
        stage.wait(part.on, f"{part.on} stops with 1205", lambda: replica.applier_error() == 1205)
        if not held:
            stage.end(part.on, root)
        cause = "lock_may_still_be_held" if held else "lock_wait_or_deadlock"
        lag = "applier_stopped_lock_held" if held else "applier_stopped_retryable"
        return Truth(
            primitive=name,
            instance=part.on,
            symptoms=STOPPED,
            causes=(f"mysql/replication-stopped:{cause}", f"mysql/replication-lag:{lag}", APPLIER_LOOKS[0]),
            remedies=() if held else (START_APPLIER,),
            offers=frozenset() if held else frozenset({"replication", "lag"}),
            good=lambda: replica.answers(f"SELECT n FROM {table} WHERE n = 777"),
        )

    return Primitive(
        name,
        "replica",
        STOPPED,
        inject,
        lambda random: {"busy": random.random() < 0.3, **_second_stopped(random)},
        claims=CLAIMS,
    )


def _large_transaction(stage: Stage, part: Part) -> Truth:
    """One transaction that takes the applier long: a statement that is slow on every server but its source."""
    replica = Replica(stage, part.on)
    table = make_table(stage, part, on=replica.source)
    here = stage.admin(replica.source, "SELECT @@port AS v")[0]["v"]
    slow = f"INSERT INTO {table} (n) SELECT IF(@@port = {here}, 1, SLEEP({APPLIES_FOR}))"
    stage.admin(replica.source, "SET SESSION binlog_format = STATEMENT", slow)
    return Truth(
        primitive="lag_of_large_transaction",
        instance=part.on,
        symptoms=frozenset({"lag"}),
        causes=tuple(f"mysql/replication-lag:{each}" for each in ("large_transaction", "*late")),
        age=5.0,
    )


def _purged(stage: Stage, part: Part) -> Truth:
    replica = Replica(stage, part.on)
    replica.lose_source_logs()
    stage.wait(part.on, f"{part.on} misses logs", lambda: bool(int(replica.status().get("Last_IO_Errno") or 0)))
    return Truth(
        primitive="source_purged_logs",
        instance=part.on,
        symptoms=STOPPED,
        causes=("mysql/replication-stopped:source_purged_logs", *RECEIVER_LOOKS),
    )


def _moved(stage: Stage, part: Part) -> Truth:
    """A failover by hand: this replica was promoted with STOP REPLICA alone, and the other one follows it."""
    replica = Replica(stage, part.on)
    replica.promote()
    return Truth(
        primitive="primary_moved",
        instance=part.on,
        symptoms=frozenset({"read_only", "replication"}),
        causes=("mysql/read-only:primary_moved", "mysql/replication-stopped:promoted"),
        age=1.0,
    )


def primitives() -> tuple[Primitive, ...]:
    """Returns the primitives of this module."""
    return (
        stopped("applier"),
        stopped("receiver"),
        Primitive("receiver_refused", "replica", STOPPED, _receiver_refused, _channels, claims=CLAIMS),
        failed(1062, "duplicate_key"),
        failed(1032, "row_missing"),
        failed(1146, "schema_differs"),
        blocked("row"),
        blocked("metadata"),
        timed_out(held=True),
        timed_out(held=False),
        Primitive("delayed", "replica", frozenset({"lag"}), _delayed, nothing_drawn, claims=CLAIMS),
        Primitive("lag_of_large_transaction", "replica", frozenset({"lag"}), _large_transaction, alone=True),
        Primitive("source_purged_logs", "replica", STOPPED, _purged, nothing_drawn, alone=True, weight=0.7),
        Primitive(
            "primary_moved",
            "replica",
            frozenset({"read_only", "replication"}),
            _moved,
            nothing_drawn,
            alone=True,
            weight=0.7,
        ),
    )
