"""Settings of servers and decoys: what surrounds a fault, and has nothing to do with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from bot.lab.random_faults.primitives.primitive import BOTH, Values, nothing_drawn
from bot.lab.random_faults.primitives.replicas import Replica
from bot.lab.random_faults.primitives.tables import make_table
from bot.lab.random_faults.scenario import Flavour, Part
from bot.lab.random_faults.stage import Client, Stage

FOREVER = 900
MANY_TABLES = 2000
"""More than the rows that a diagnostic reads; see `bot.fleet.session_settings.MOST_ROWS`."""


@dataclass(frozen=True)
class Surrounding:
    """A setting or a decoy. `apply` returns the sessions that nothing may hurt."""

    name: str
    apply: Callable[[Stage, Part], list[Client]]
    draw: Callable[[Random], Values] = nothing_drawn
    flavours: tuple[Flavour, ...] = BOTH
    role: str = "any"
    """`any` for the server of the alert, otherwise `replica`: one that has no fault."""
    not_with: frozenset[str] = frozenset()
    """Symptoms that it would have, too, so that it would be no decoy."""


def _variable(stage: Stage, part: Part, name: str, value: str, *, number: bool = False) -> None:
    before = str(stage.admin(part.on, f"SELECT @@GLOBAL.{name} AS v")[0]["v"])
    stage.after(part.on, f"SET GLOBAL {name} = {before if number else repr(before)}")
    stage.admin(part.on, f"SET GLOBAL {name} = {value if number else repr(value)}")


def _time_zone(stage: Stage, part: Part) -> list[Client]:
    _variable(stage, part, "time_zone", part.text("zone", "+09:00"))
    return []


def _sql_mode(stage: Stage, part: Part) -> list[Client]:
    _variable(stage, part, "sql_mode", part.text("mode", "ANSI"))
    return []


def _isolation(stage: Stage, part: Part) -> list[Client]:
    name = "transaction_isolation" if stage.state.instance(part.on).flavour == "mysql" else "tx_isolation"
    _variable(stage, part, name, "READ-COMMITTED")
    return []


def _many_tables(stage: Stage, part: Part) -> list[Client]:
    """Creates tables, once for each primary: they stay until the lab ends. Its replicas do without them."""
    if stage.state.instance(part.on).role != "primary":
        return []
    stage.admin(part.on, "CREATE DATABASE IF NOT EXISTS many")
    there = stage.admin(part.on, "SELECT COUNT(*) AS n FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'many'")[0][
        "n"
    ]
    missing = range(int(there), MANY_TABLES)
    if missing:
        statements = [
            f"CREATE TABLE IF NOT EXISTS many.t{each} (id INT AUTO_INCREMENT PRIMARY KEY)" for each in missing
        ]
        stage.admin(part.on, "SET SESSION sql_log_bin = 0", *statements)
    return []


def _nearly_full(stage: Stage, part: Part) -> list[Client]:
    return [stage.open(part.on, "app") for _ in range(part.number("sessions", 20))]


def _idle_transactions(stage: Stage, part: Part) -> list[Client]:
    if stage.state.instance(part.on).role != "primary":
        return [stage.open(part.on, "app", "BEGIN", "SELECT beats FROM heartbeat")]
    table = make_table(stage, part)
    write = "UPDATE {t} SET n = n + 1 WHERE id = {row}".replace("{t}", table)
    return [stage.open(part.on, "app", "BEGIN", write.replace("{row}", str(row))) for row in (2, 3)]


def _long_selects(stage: Stage, part: Part) -> list[Client]:
    clients = [stage.run(part.on, "reports", f"SELECT beats, SLEEP({FOREVER}) FROM heartbeat")]
    stage.await_statements(part.on, clients)
    return clients


def _sleepers(stage: Stage, part: Part) -> list[Client]:
    return [stage.open(part.on, user, "SELECT 1") for user in ("app", "reports", "deploy") for _ in range(4)]


def _old_errors(stage: Stage, part: Part) -> list[Client]:
    client = stage.open(part.on, "app")
    for statement in ("SELECT nothing FROM heartbeat", "SELECT * FROM absent", "SELEC 1"):
        client.run(statement)
        client.wait()
    return []


def _delayed_replica(stage: Stage, part: Part) -> list[Client]:
    Replica(stage, part.on).delay(3600)
    return []


def _no_metadata_instrument(stage: Stage, part: Part) -> list[Client]:
    """Switches off what records metadata locks; locks that are taken from now on are not recorded."""
    update = "UPDATE performance_schema.setup_instruments SET ENABLED = '{}' WHERE NAME = 'wait/lock/metadata/sql/mdl'"
    stage.after(part.on, update.format("YES"))
    stage.admin(part.on, update.format("NO"))
    stage.unrecorded.add(part.on)
    return []


SETTINGS = (
    Surrounding("no_metadata_instrument", _no_metadata_instrument, flavours=("mysql",)),
    Surrounding("time_zone", _time_zone, lambda random: {"zone": random.choice(("+09:00", "-05:00", "+05:30"))}),
    Surrounding("sql_mode", _sql_mode, lambda random: {"mode": random.choice(("ANSI", "TRADITIONAL", ""))}),
    Surrounding("isolation", _isolation),
    Surrounding("many_tables", _many_tables),
    Surrounding("many_sessions", _nearly_full, lambda random: {"sessions": random.randint(5, 40)}),
)
DECOYS = (
    Surrounding("idle_transactions", _idle_transactions, not_with=frozenset({"long_transaction"})),
    Surrounding("long_select", _long_selects, not_with=frozenset({"long_query", "slow", "long_transaction"})),
    Surrounding("sleepers", _sleepers),
    Surrounding("old_errors", _old_errors),
    # A delayed replica still needs the binary logs.
    Surrounding("delayed_replica", _delayed_replica, role="replica", not_with=frozenset({"binary_logs"})),
)
BY_NAME = {each.name: each for each in (*SETTINGS, *DECOYS)}
