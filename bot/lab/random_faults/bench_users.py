"""The users of the random faults, which the lab itself does not have, and room for many sessions."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pymysql

from bot.lab.connections import administrator, ask
from bot.lab.lab_state import LabState, Login

USERS = ("batch", "backup_tool")
PRIVILEGES = {
    "mysql": (
        "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, LOCK TABLES ON shop.* TO '{user}'@'%'",
        "GRANT RELOAD, BACKUP_ADMIN, XA_RECOVER_ADMIN ON *.* TO '{user}'@'%'",
    ),
    "mariadb": (
        "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, LOCK TABLES ON shop.* TO '{user}'@'%'",
        "GRANT RELOAD ON *.* TO '{user}'@'%'",
    ),
}
MAX_CONNECTIONS = 400


def prepare(state: LabState) -> LabState:
    """Creates the users on every server and returns the lab with their logins."""
    password = state.users["app"].password
    for instance in state.instances:
        with administrator(instance) as admin:
            ask(admin, "SET SESSION sql_log_bin = 0")
            ask(admin, f"SET GLOBAL max_connections = {MAX_CONNECTIONS}")
            read_only = "super_read_only" if instance.flavour == "mysql" else "read_only"
            if instance.role == "replica":
                ask(admin, f"SET GLOBAL {read_only} = OFF")
            for user in USERS:
                with suppress(pymysql.err.MySQLError):
                    ask(admin, f"CREATE USER '{user}'@'%' IDENTIFIED BY '{password}'")
                for grant in PRIVILEGES[instance.flavour]:
                    ask(admin, grant.replace("{user}", user))
            if instance.role == "replica":
                ask(admin, f"SET GLOBAL {read_only} = ON")
    return replace(state, users={**state.users, **{user: Login(user, password) for user in USERS}})
