"""Servers and sessions for the tests of actions."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bot.lab.connections import administrator, ask
from bot.lab.fault_injection.inject import inject_fault
from bot.lab.lab_state import LabInstance, LabState
from bot.lab.replication import replicates
from bot.lab.vitess.application_schema import TABLES
from bot.lab.waiting import wait_until
from tests.actions.hands import Client, administer, follow
from tests.actions.vitess_hands import Hands

ROWS = ", ".join(f"({number}, 'secret-{number}')" for number in range(1, 21))


@pytest.fixture(scope="session")
def notes(lab: LabState) -> LabState:
    """The lab with a table shop.notes of 20 rows on every server, which the lab's own load leaves alone."""
    for instance in lab.instances:
        if instance.role == "primary":
            with administrator(instance) as admin:
                ask(admin, "CREATE TABLE IF NOT EXISTS shop.notes (id INT PRIMARY KEY, note VARCHAR(40) NOT NULL)")
                ask(admin, f"REPLACE INTO shop.notes VALUES {ROWS}")
    for instance in lab.instances:
        wait_until(f"the notes are on {instance.name}", lambda instance=instance: _has_notes(instance))  # type: ignore[misc]
    return lab


def _has_notes(instance: LabInstance) -> bool:
    with administrator(instance) as admin:
        tables = ask(admin, "SHOW TABLES FROM shop LIKE 'notes'")
        return bool(tables) and ask(admin, "SELECT COUNT(*) AS n FROM shop.notes")[0]["n"] >= 20


@pytest.fixture(params=["orders-1", "billing-1"], ids=["mysql", "mariadb"])
def primary(request: pytest.FixtureRequest, notes: LabState) -> LabInstance:
    """A primary of each flavour."""
    return notes.instance(request.param)


@pytest.fixture(params=["orders-1", "orders-3", "billing-1", "billing-3"])
def server(request: pytest.FixtureRequest, notes: LabState) -> LabInstance:
    """A primary and a replica of each flavour; billing-3 is of the later version of MariaDB."""
    return notes.instance(request.param)


@pytest.fixture(params=["orders-3", "billing-2"], ids=["mysql", "mariadb"])
def replica(request: pytest.FixtureRequest, notes: LabState) -> LabInstance:
    """A replica of each flavour."""
    return notes.instance(request.param)


@pytest.fixture
def client(notes: LabState) -> Iterator[Callable[..., Client]]:
    """Opens sessions of the lab's users; they are ended with the test."""
    opened: list[Client] = []

    def open_(instance: LabInstance, user: str = "app") -> Client:
        opened.append(Client(notes, instance, user))
        return opened[-1]

    yield open_
    for each in opened:
        each.close()


@pytest.fixture
def broken(sound_lab: LabState) -> Callable[[str, str], LabInstance]:
    """Breaks the server of a flavour with a fault of the lab, and returns it; it is repaired after the test."""

    def break_it(fault: str, flavour: str) -> LabInstance:
        made = inject_fault(sound_lab.folder, fault if flavour == "mysql" else f"{fault}_mariadb")
        return sound_lab.instance(made.instance)

    return break_it


@pytest.fixture(params=["orders", "billing"], ids=["mysql", "mariadb"])
def promoted(request: pytest.FixtureRequest, notes: LabState) -> Iterator[LabInstance]:
    """The second member of a shard, promoted by hand and without a reset; the third one follows it."""
    first, second, third = (notes.instance(f"{request.param}-{number}") for number in (1, 2, 3))
    administer(second, "STOP REPLICA", "SET GLOBAL read_only = 0")
    administer(first, "SET GLOBAL read_only = 1")
    follow(third, second)
    try:
        yield second
    finally:
        administer(first, "SET GLOBAL read_only = 0")
        follow(third, first)
        administer(second, *SHUT[second.flavour], "START REPLICA")
        for each in (second, third):
            wait_until(f"{each.name} replicates again", lambda each=each: replicates(each))  # type: ignore[misc]


SHUT = {
    "mysql": ("SET GLOBAL read_only = 1", "SET GLOBAL super_read_only = 1"),
    "mariadb": ("SET GLOBAL read_only = 1",),
}


@pytest.fixture(scope="session")
def hands(vitess_lab: LabState) -> Iterator[Hands]:
    """Firstmate's own hands on the lab's Vitess cluster."""
    found = Hands(vitess_lab)
    yield found
    found.close()


@pytest.fixture
def copies(hands: Hands) -> Iterator[str]:
    """A workflow that copies the orders into a table of its own name, and works; both are gone after the test."""
    name = "order_copies"
    vschema = dict(hands.call("GetVSchema", keyspace="commerce")["v_schema"])
    tables = dict(vschema["tables"])
    hands.call("ApplyVSchema", keyspace="commerce", v_schema={**vschema, "tables": {**tables, name: tables["orders"]}})
    create = next(each for each in TABLES if "orders" in each).replace("TABLE orders", f"TABLE {name}")
    table = {"target_table": name, "source_expression": "select * from orders", "create_ddl": create}
    settings = {
        "workflow": name,
        "source_keyspace": "commerce",
        "target_keyspace": "commerce",
        "table_settings": [table],
    }
    hands.call("MaterializeCreate", settings=settings)
    try:
        hands.until_it_works(name)
        yield name
    finally:
        hands.call("WorkflowDelete", keyspace="commerce", workflow=name)
        hands.call("ApplyVSchema", keyspace="commerce", v_schema={**vschema, "tables": tables})
