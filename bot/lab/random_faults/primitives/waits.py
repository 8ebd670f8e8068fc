"""Waits that no single statement makes: a prepared transaction, a chain of locks, and commits without a replica."""

from __future__ import annotations

from random import Random

from bot.lab.random_faults.primitives.locks import FOREVER, KIND_ONLY, MORE_CONNECTIONS, PATIENT, SYMPTOMS
from bot.lab.random_faults.primitives.primitive import Primitive, Values
from bot.lab.random_faults.primitives.replicas import Replica
from bot.lab.random_faults.primitives.tables import make_table
from bot.lab.random_faults.scenario import ANY, Part
from bot.lab.random_faults.stage import Client, Stage
from bot.lab.random_faults.truth import Remedy, Truth

OVER = frozenset({"locks", "threads", "connections", "long_query", ANY})


def _few(random: Random) -> Values:
    return {"victims": random.randint(1, 12), "table": random.choice(("plain", "mixed_case", "odd"))}


def _writers(stage: Stage, part: Part, statement: str) -> list[Client]:
    victims = [stage.run(part.on, "app", *PATIENT, statement) for _ in range(part.number("victims", 1))]
    stage.await_statements(part.on, victims)
    return victims


def _failed(victims: list[Client]) -> str:
    failed = [each for each in victims if each.error]
    return f"victim {failed[0].thread_id} failed: {failed[0].error}" if failed else ""


def _prepared(stage: Stage, part: Part) -> Truth:
    table = make_table(stage, part)
    write = f"UPDATE {table} SET n = n + 1 WHERE id = 1"
    xid = f"'faults_{stage.tables}'"
    stage.after(part.on, f"XA ROLLBACK {xid}")
    owner = stage.open(part.on, "batch", f"XA START {xid}", write, f"XA END {xid}", f"XA PREPARE {xid}")
    owner.disconnect()
    victims = _writers(stage, part, write)
    return Truth(
        primitive="prepared",
        instance=part.on,
        symptoms=SYMPTOMS | {"prepared"},
        names=("repared (XA) transaction", "repared XA transaction"),
        causes=KIND_ONLY,
        neutral=(MORE_CONNECTIONS,),
        good=lambda: all(each.done for each in victims),
        unhurt=lambda: _failed(victims),
        age=1.2,
    )


def _chain(stage: Stage, part: Part) -> Truth:
    table = make_table(stage, part)
    write = f"UPDATE {table} SET n = n + 1 WHERE id = "
    root = stage.open(part.on, "app", "BEGIN", write + "1")
    between = stage.open(part.on, "app", *PATIENT, "BEGIN", write + "2")
    between.run(write + "1", "COMMIT")
    stage.await_statements(part.on, [between])
    victims = [between, *_writers(stage, part, write + "2")]
    ids = frozenset({str(root.thread_id)})
    return Truth(
        primitive="row_chain",
        instance=part.on,
        symptoms=SYMPTOMS,
        names=(f"ession {root.thread_id} of",),
        causes=KIND_ONLY,
        neutral=(MORE_CONNECTIONS,),
        remedies=(Remedy("mysql.kill_connection", {"thread_id": ids}),),
        offers=frozenset({"locks"}),
        good=lambda: all(each.done for each in victims),
        unhurt=lambda: _failed(victims),
        age=1.2,
    )


def _commits(stage: Stage, part: Part) -> Truth:
    table = make_table(stage, part)
    replicas = [
        Replica(stage, each.name) for each in stage.state.instances if each.source == part.on and each.role == "replica"
    ]
    for replica in replicas:
        stage.finally_(replica.start)
    stage.after(part.on, "SET GLOBAL rpl_semi_sync_source_timeout = 1000")
    stage.admin(part.on, f"SET GLOBAL rpl_semi_sync_source_timeout = {FOREVER * 1000}")
    for replica in replicas:
        replica.do("STOP REPLICA IO_THREAD")
    victims = _writers(stage, part, f"UPDATE {table} SET n = n + 1")
    return Truth(
        primitive="semi_sync",
        instance=part.on,
        symptoms=frozenset({"locks", "threads"}),
        causes=("mysql/blocked-writes:waiting_for_replicas", "mysql/threads-running:waiting_for_acknowledgement"),
        good=lambda: all(each.done for each in victims),
        unhurt=lambda: _failed(victims),
        age=3.0,
    )


def _locks_over(stage: Stage, part: Part) -> Truth:
    """A lock that was released before the alert came: nobody waits, and nothing is to be changed."""
    table = make_table(stage, part)
    write = f"UPDATE {table} SET n = n + 1 WHERE id = 1"
    holder = stage.open(part.on, "app", "BEGIN", write)
    victims = _writers(stage, part, write)
    holder.ask("COMMIT")
    stage.wait(part.on, "the victims are free", lambda: all(each.done or each.error for each in victims))
    return Truth(
        primitive="locks_over",
        instance=part.on,
        symptoms=OVER,
        causes=("*:over", "*:eased", "*:free_as_far_as_known", "*:nothing_found"),
        unhurt=lambda: _failed(victims),
    )


def _replication_over(stage: Stage, part: Part) -> Truth:
    """A replica that was stopped and runs again before the alert came."""
    replica = Replica(stage, part.on)
    replica.stop("applier")
    replica.start()
    stage.wait(part.on, f"{part.on} replicates again", replica.caught_up)
    return Truth(
        primitive="replication_over",
        instance=part.on,
        symptoms=frozenset({"replication", "lag", ANY}),
        causes=("*:running_again", "*:caught_up", "*:nothing_found"),
        age=1.0,
    )


def primitives() -> tuple[Primitive, ...]:
    """Returns the primitives of this module."""
    return (
        Primitive("prepared", "primary", SYMPTOMS | {"prepared"}, _prepared, _few),
        Primitive("locks_over", "primary", OVER, _locks_over, _few, alone=True),
        Primitive("replication_over", "replica", frozenset({"replication", "lag", ANY}), _replication_over, alone=True),
        Primitive("row_chain", "primary", SYMPTOMS, _chain, _few),
        Primitive(
            "semi_sync", "primary", frozenset({"locks", "threads"}), _commits, _few, flavours=("mysql",), alone=True
        ),
    )
