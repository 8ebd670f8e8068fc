"""Runs the checks of a fault's file on the lab's servers."""

from __future__ import annotations

import socket
from string import Template

import pymysql
import requests

from bot.errors import Unreachable
from bot.lab.connections import administrator, ask
from bot.lab.fault_injection import vitess_cluster
from bot.lab.fault_injection.fault_file import Check, Fault
from bot.lab.fault_injection.saved_values import saved_values
from bot.lab.lab_state import LabInstance, LabState
from bot.lab.replication import TABLE, replica_status

PORT_TIMEOUT = 1.0


def check_passes(state: LabState, fault: Fault, check: Check) -> bool:
    """Returns whether the check passes now; on a server that does not answer, only the check of its port can pass."""
    try:
        (instance,) = instances_for(state, fault, check.on)
        value = _value(state, fault, instance, check)
    except (pymysql.err.MySQLError, OSError, ValueError, Unreachable):
        return False
    if check.equals is not None:
        return value == check.equals
    return value.lstrip("-").replace(".", "", 1).isdigit() and float(value) >= check.at_least


def instances_for(state: LabState, fault: Fault, on: str) -> tuple[LabInstance, ...]:
    """Returns the instances that `on` of a step or a check refers to."""
    if state.vitess is not None:
        return vitess_cluster.instances_for(state, fault, on)
    target = state.instance(fault.instance)
    members = [each for each in state.instances if each.shard == target.shard]
    if on == "target":
        return (target,)
    if on == "other_replica":
        return tuple(each for each in members if each.role == "replica" and each != target)[:1]
    if on in ("primary", "replicas"):
        return tuple(each for each in members if each.role == on.removesuffix("s"))
    return (state.instance(on),)


def expand_statement(state: LabState, fault: Fault, sql: str) -> str:
    """Returns the statement with its $NAMES replaced: $table, $address and so on, and the fault's saved values."""
    if state.vitess is not None:
        return Template(sql).safe_substitute(vitess_cluster.names(state, fault))
    target = state.instance(fault.instance)
    mysql = target.flavour == "mysql"
    schema = "performance_schema" if mysql else "information_schema"
    return Template(sql).safe_substitute(
        saved_values(state, fault),
        table=TABLE[target.shard],
        address=target.address,
        status=f"{schema}.global_status",
        variables=f"{schema}.global_variables",
        deadlocks=_DEADLOCKS[target.flavour],
        replication_user=state.replication.user,
        replication_password=state.replication.password,
        exporter_user=state.users["exporter"].user,
    )


_DEADLOCKS = {
    "mysql": "SELECT COUNT FROM information_schema.INNODB_METRICS WHERE NAME = 'lock_deadlocks'",
    "mariadb": "SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'",
}


def _value(state: LabState, fault: Fault, instance: LabInstance, check: Check) -> str:
    found = vitess_cluster.check_value(state, fault, instance, check) if state.vitess is not None else None
    if found is not None:
        return found
    if check.port is not None:
        return "1" if port_state(instance) == check.port else "0"
    if check.replica is not None:
        return str(replica_status(instance).get(check.replica, ""))
    if check.prometheus is not None:
        asked = {"query": expand_statement(state, fault, check.prometheus)}
        found = requests.get(f"{state.urls.prometheus}/api/v1/query", params=asked, timeout=5).json()
        return str(int(bool(found["data"]["result"])))
    with administrator(instance) as admin:
        rows = ask(admin, "SHOW BINARY LOGS" if check.binlogs else expand_statement(state, fault, check.sql or ""))
    if check.binlogs:
        return str(len(rows))
    return str(list(rows[0].values())[-1]) if rows else "0"


def port_state(instance: LabInstance) -> str:
    """Returns the state of a server's port: open, refused, or hangs (open, but without a greeting)."""
    with socket.socket() as probe:
        probe.settimeout(PORT_TIMEOUT)
        if probe.connect_ex((instance.host, instance.port)) != 0:
            return "refused"
        try:
            return "open" if probe.recv(1) else "hangs"
        except OSError:
            return "hangs"
