"""Locks of every kind: a holder, victims that wait for it, and bystanders that hold what disturbs nobody."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from bot.lab.random_faults.primitives.primitive import BOTH, WHOLE_SERVER, Primitive, Values
from bot.lab.random_faults.primitives.tables import make_table
from bot.lab.random_faults.scenario import ANY, Flavour, Part
from bot.lab.random_faults.stage import Client, Stage
from bot.lab.random_faults.truth import Remedy, Truth

SYMPTOMS = frozenset({"locks", "threads", "connections", "slow", "long_query", ANY})
FOREVER = 900
"""Seconds: longer than any scenario."""
KIND_ONLY = (
    "mysql/first-look:sessions_blocked",
    "mysql/threads-running:waiting_for_locks",
    "mysql/slow-queries:waiting_for_locks",
    "mysql/runaway-query:waits_for_lock",
)
"""Causes that say no more than that sessions wait for locks, which is what their runbooks are asked."""
NOT_RECORDED = (
    "*:holder_unknown",
    "*:holder_suspected",
    "*:piled_up_behind_unknown_holder",
    "*:waits_for_somebody",
    "*:blocker_uncertain",
)
"""Causes that admit that the server does not show the holder."""
MORE_CONNECTIONS = Remedy("mysql.set_variable", {"name": frozenset({"max_connections"})})
"""It frees nobody, and hurts nobody either."""
PATIENT = ("SET SESSION innodb_lock_wait_timeout = 900", "SET SESSION lock_wait_timeout = 900")
BUSY_FOR = 5.5
"""Seconds after which a statement counts as long in the runbooks."""


@dataclass(frozen=True)
class Lock:
    """A kind of lock: how it is held, and what waits for it. `{t}` in statements is the table."""

    name: str
    hold: tuple[str, ...]
    """The holder's statements; with `busy`, the last one keeps running."""
    victims: tuple[str, ...]
    kill: str = "connection"
    """What releases it: `connection`, `query`, or nothing ('')."""
    busy: bool = False
    first: tuple[str, str] = ("", "")
    """User and statement that wait first, and that the victims queue behind."""
    bystander: tuple[str, ...] = ("BEGIN", "UPDATE {t} SET n = n + 1 WHERE id = {row}")
    holders: tuple[str, ...] = ("app", "batch")
    protected: bool = False
    recorded: tuple[Flavour, ...] = BOTH
    """Where the server shows who holds it."""
    engine: str = "InnoDB"
    flavours: tuple[Flavour, ...] = BOTH
    symptoms: frozenset[str] = frozenset()
    whole_server: bool = False
    most_victims: int = 200
    undo: tuple[str, ...] = ()
    """The administrator's statements that end what outlives the holder."""
    causes: tuple[str, ...] = ()
    """Further causes that are right."""


MYSQL: tuple[Flavour, ...] = ("mysql",)
MARIADB: tuple[Flavour, ...] = ("mariadb",)
GAPS = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"
"""Below this level, InnoDB locks no gaps."""
WRITE = "UPDATE {t} SET n = n + 1 WHERE id = 1"
READ = "SELECT COUNT(*) FROM {t}"
ALTER = "ALTER TABLE {t} ALTER COLUMN note SET DEFAULT 'new'"
ELSEWHERE = ("BEGIN", "SELECT beats FROM heartbeat")
SLOW_READ = f"SELECT id, SLEEP({FOREVER}) FROM {{t}}"

LOCKS = (
    Lock("row_idle", ("BEGIN", WRITE), (WRITE, "SELECT * FROM {t} WHERE id = 1 FOR UPDATE")),
    Lock(
        "row_range",
        (GAPS, "BEGIN", "SELECT * FROM {t} WHERE id > 15 FOR UPDATE"),
        ("INSERT INTO {t} (n, note) VALUES (1, 'new')", "UPDATE {t} SET n = 0 WHERE id = 17"),
    ),
    Lock(
        "row_busy_transaction",
        ("BEGIN", WRITE, f"SELECT SLEEP({FOREVER})"),
        (WRITE, "DELETE FROM {t} WHERE id = 1"),
        busy=True,
    ),
    Lock(
        "row_autocommit_off",
        ("SET SESSION autocommit = 0", f"UPDATE {{t}} SET n = n + SLEEP({FOREVER}) WHERE id = 1"),
        (WRITE,),
        busy=True,
    ),
    Lock(
        "row_statement", (f"UPDATE {{t}} SET n = n + SLEEP({FOREVER}) WHERE id = 1",), (WRITE,), kill="query", busy=True
    ),
    Lock("row_protected", ("BEGIN", WRITE), (WRITE,), kill="", protected=True, holders=("backup_tool",)),
    Lock(
        "metadata_idle",
        ("BEGIN", READ),
        (READ, WRITE),
        first=("deploy", ALTER),
        bystander=ELSEWHERE,
        recorded=MYSQL,
        symptoms=frozenset({"schema_change"}),
    ),
    Lock(
        "metadata_statement",
        (SLOW_READ,),
        (READ, WRITE),
        kill="query",
        busy=True,
        first=("deploy", ALTER),
        bystander=ELSEWHERE,
        recorded=MYSQL,
        holders=("reports", "batch"),
        symptoms=frozenset({"schema_change"}),
    ),
    Lock(
        "lock_tables_read",
        ("LOCK TABLES {t} READ",),
        (WRITE,),
        bystander=("BEGIN", READ),
        holders=("batch",),
        recorded=MYSQL,
    ),
    Lock(
        "lock_tables_write",
        ("LOCK TABLES {t} WRITE",),
        (READ, WRITE),
        bystander=ELSEWHERE,
        holders=("batch",),
        recorded=MYSQL,
    ),
    Lock(
        "global_read_lock",
        ("FLUSH TABLES WITH READ LOCK",),
        (WRITE,),
        bystander=("BEGIN", READ),
        holders=("batch",),
        recorded=MYSQL,
        whole_server=True,
    ),
    Lock(
        "global_read_lock_of_backup",
        ("FLUSH TABLES WITH READ LOCK",),
        (WRITE,),
        kill="",
        protected=True,
        bystander=("BEGIN", READ),
        holders=("backup_tool",),
        recorded=MYSQL,
        whole_server=True,
    ),
    Lock(
        "backup_lock",
        ("LOCK INSTANCE FOR BACKUP",),
        (ALTER,),
        kill="",
        protected=True,
        bystander=ELSEWHERE,
        holders=("backup_tool",),
        flavours=MYSQL,
        whole_server=True,
        most_victims=3,
        symptoms=frozenset({"schema_change"}),
    ),
    Lock(
        "backup_stage",
        ("BACKUP STAGE START", "BACKUP STAGE FLUSH", "BACKUP STAGE BLOCK_DDL", "BACKUP STAGE BLOCK_COMMIT"),
        (WRITE,),
        kill="",
        protected=True,
        bystander=ELSEWHERE,
        holders=("backup_tool",),
        flavours=MARIADB,
        recorded=(),
        whole_server=True,
    ),
    Lock(
        "user_lock",
        ("DO GET_LOCK('nightly', 0)",),
        (f"DO GET_LOCK('nightly', {FOREVER}) + RELEASE_LOCK('nightly')",),
        bystander=("DO GET_LOCK('other{row}', 0)",),
        recorded=MYSQL,
        most_victims=40,
    ),
    Lock(
        "table_flush",
        (SLOW_READ,),
        (READ,),
        kill="query",
        busy=True,
        first=("batch", "FLUSH TABLES {t}"),
        bystander=ELSEWHERE,
        holders=("reports",),
        recorded=(),
    ),
    Lock(
        "myisam_read",
        (SLOW_READ,),
        (READ,),
        kill="query",
        busy=True,
        first=("app", WRITE),
        bystander=ELSEWHERE,
        holders=("reports",),
        recorded=(),
        engine="MyISAM",
    ),
)


def draw(lock: Lock) -> Callable[[Random], Values]:
    """Returns what draws the values of a lock: mostly a few victims, sometimes very many."""

    def drawn(random: Random) -> Values:
        most = random.choices((4, 20, 60, 200), (60, 25, 10, 5))[0]
        return {
            "victims": random.randint(1, min(most, lock.most_victims)),
            "bystanders": random.randint(0, 3),
            "holder": random.choice(lock.holders),
            "table": random.choice(("plain", "plain", "mixed_case", "odd")),
        }

    return drawn


def inject(lock: Lock) -> Callable[[Stage, Part], Truth]:
    """Returns what puts a lock in place."""

    def made(stage: Stage, part: Part) -> Truth:
        table = make_table(stage, part, engine=lock.engine)

        def written(statements: Sequence[str], row: int = 1) -> list[str]:
            return [each.replace("{t}", table).replace("{row}", str(row)) for each in statements]

        others = [
            stage.open(part.on, "app", *written(lock.bystander, 5 + number))
            for number in range(part.number("bystanders"))
        ]
        hold = stage.run if lock.busy else stage.open
        root = hold(part.on, part.text("holder", lock.holders[0]), *written(lock.hold))
        if lock.busy:
            stage.await_statements(part.on, [root])
        victims = _victims(stage, part, lock, written)
        return truth(stage, part, lock, root, victims, others)

    return made


def _victims(stage: Stage, part: Part, lock: Lock, written: Callable[[Sequence[str]], list[str]]) -> list[Client]:
    victims = []
    user, statement = lock.first
    if statement:
        victims.append(stage.run(part.on, user, *PATIENT, *written([statement])))
        stage.await_statements(part.on, victims)
        time.sleep(0.2)  # the statement has begun, and takes its locks
    wants = written(lock.victims)
    for number in range(part.number("victims", 1)):
        user = "deploy" if wants[0].startswith("ALTER") else "app"
        victims.append(stage.run(part.on, user, *PATIENT, wants[number % len(wants)]))
    stage.await_statements(part.on, victims)
    stage.wait(
        part.on, f"the victims of {lock.name} wait", lambda: not any(each.done or each.error for each in victims), 2.0
    )
    return victims


def truth(
    stage: Stage, part: Part, lock: Lock, root: Client, victims: Sequence[Client], others: Sequence[Client]
) -> Truth:
    """Returns what is known of a lock in place."""
    recorded = stage.state.instance(part.on).flavour in lock.recorded
    if lock.recorded == MYSQL and part.on in stage.unrecorded:
        recorded = False
    remedies = []
    if not lock.protected:
        ids = frozenset({str(root.thread_id)})
        remedies = [Remedy("mysql.kill_connection", {"thread_id": ids})]
        if lock.kill == "query":
            remedies.append(Remedy("mysql.kill_query", {"thread_id": ids}))

    def unhurt() -> str:
        killed = [each for each in others if not stage.is_alive(part.on, each)]
        failed = [each for each in victims if each.error]
        if killed:
            return f"session {killed[0].thread_id}, which disturbs nobody, was killed"
        return f"victim {failed[0].thread_id} of {lock.name} failed: {failed[0].error}" if failed else ""

    return Truth(
        primitive=lock.name,
        instance=part.on,
        symptoms=SYMPTOMS | lock.symptoms,
        names=(f"ession {root.thread_id} of",),
        causes=(*KIND_ONLY, *lock.causes, *(() if recorded else NOT_RECORDED)),
        remedies=tuple(remedies),
        neutral=(MORE_CONNECTIONS,),
        offers=frozenset({"locks"}) if recorded and remedies else frozenset(),
        good=lambda: all(each.done for each in victims),
        unhurt=unhurt,
        age=BUSY_FOR if lock.busy else 1.2,
    )


def primitives() -> tuple[Primitive, ...]:
    """Returns the primitives of this module."""
    return tuple(
        Primitive(
            name=each.name,
            role="primary",
            symptoms=SYMPTOMS | each.symptoms,
            inject=inject(each),
            draw=draw(each),
            flavours=each.flavours,
            claims=frozenset({WHOLE_SERVER}) if each.whole_server else frozenset(),
            last=each.whole_server,
        )
        for each in LOCKS
    )
