"""Creates the application's schema, sets up replication between the lab's servers, and reads its status."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pymysql

from bot.lab.connections import administrator, ask
from bot.lab.lab_state import LabInstance, Login
from bot.lab.waiting import wait_until

SCHEMA = (
    "CREATE DATABASE shop",
    "CREATE TABLE shop.heartbeat (id INT PRIMARY KEY, beat TIMESTAMP(6) NOT NULL, beats BIGINT NOT NULL)",
    "INSERT INTO shop.heartbeat VALUES (1, NOW(6), 0)",
)

TABLES = {
    "orders": (
        "CREATE TABLE shop.orders (id BIGINT AUTO_INCREMENT PRIMARY KEY, customer_id INT NOT NULL,"
        " status VARCHAR(16) NOT NULL, total_cents INT NOT NULL, created_at TIMESTAMP(6) NOT NULL,"
        " KEY by_customer (customer_id))"
    ),
    "billing": (
        "CREATE TABLE shop.invoices (id BIGINT AUTO_INCREMENT PRIMARY KEY, customer_id INT NOT NULL,"
        " status VARCHAR(16) NOT NULL, total_cents INT NOT NULL, created_at TIMESTAMP(6) NOT NULL,"
        " KEY by_customer (customer_id))"
    ),
}
TABLE = {"orders": "orders", "billing": "invoices"}


def answers(instance: LabInstance) -> bool:
    """Returns whether the administrator can log in to the server."""
    try:
        with administrator(instance) as connection:
            ask(connection, "SELECT 1")
    except pymysql.err.OperationalError:
        return False
    return True


def create_schema(primary: LabInstance) -> None:
    """Creates the application's tables on a primary, with a few rows in each."""
    table = TABLE[primary.shard]
    with administrator(primary) as connection:
        for statement in (*SCHEMA, TABLES[primary.shard]):
            ask(connection, statement)
        rows = [(customer, "new", customer * 100) for customer in range(1, 101)]
        with connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO shop.{table} (customer_id, status, total_cents, created_at)"  # noqa: S608 # own table
                " VALUES (%s, %s, %s, NOW(6))",
                rows,
            )


def attach(replica: LabInstance, source: LabInstance, login: Login, log: Path | None = None) -> None:
    """Configures the replica for GTID replication from its source, and starts it."""
    values = (source.host, source.port, login.user, login.password)
    if replica.flavour == "mysql":
        change = (
            "CHANGE REPLICATION SOURCE TO SOURCE_HOST=%s, SOURCE_PORT=%s, SOURCE_USER=%s, SOURCE_PASSWORD=%s,"
            " SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1, SOURCE_CONNECT_RETRY=1"
        )
    else:
        change = (
            "CHANGE MASTER TO MASTER_HOST=%s, MASTER_PORT=%s, MASTER_USER=%s, MASTER_PASSWORD=%s,"
            " MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1, MASTER_SSL=0"  # MariaDB 11.4 defaults to TLS
        )
    with administrator(replica) as connection:
        ask(connection, change, values)
        ask(connection, "START REPLICA")
    wait_until(
        f"{replica.name} replicates from {source.name}",
        lambda: not replication_problem(replica_status(replica), caught_up=False),
        observed=lambda: replication_problem(replica_status(replica), caught_up=False),
        log=log,
    )


def replica_status(replica: LabInstance) -> dict[str, Any]:
    """Returns SHOW REPLICA STATUS with the column names of MySQL 8.4 on every flavour; empty on a primary."""
    with administrator(replica) as connection:
        rows = ask(connection, "SHOW REPLICA STATUS")
    if not rows:
        return {}
    renamed = {}
    for name, value in rows[0].items():
        renamed[name.replace("Slave_", "Replica_").replace("Master", "Source").replace("master", "source")] = value
    return renamed


def replication_problem(status: dict[str, Any], *, caught_up: bool = True) -> str:
    """Returns why a replica does not replicate, or has not caught up, as a clause; '' if it has."""
    if not status:
        return "it is not configured to replicate"
    for thread, running, last in (("receiver", "Replica_IO_Running", "IO"), ("applier", "Replica_SQL_Running", "SQL")):
        if status.get(running) != "Yes":
            number, text = int(status.get(f"Last_{last}_Errno") or 0), str(status.get(f"Last_{last}_Error") or "")
            return f"its {thread} is stopped" + (f" with error {number}: {text.rstrip('.')}" if number else "")
    if not caught_up:
        return ""
    if int(status.get("SQL_Delay") or 0):
        return f"it is configured to delay transactions by {status['SQL_Delay']} s"
    behind = status.get("Seconds_Behind_Source")
    if behind is None:
        return "it does not report its delay"
    return f"it is {behind} s behind" if int(behind) > 1 else ""


def replicates(replica: LabInstance) -> bool:
    """Returns whether both replication threads are running."""
    status = replica_status(replica)
    return status.get("Replica_IO_Running") == "Yes" and status.get("Replica_SQL_Running") == "Yes"
