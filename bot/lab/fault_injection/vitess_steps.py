"""Runs the steps of a fault that concern the Vitess cluster, and restores the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial

import pymysql
import requests

from bot.errors import FirstmateError, Unreachable
from bot.lab.connections import administrator, ask, connect
from bot.lab.fault_injection import vitess_cluster
from bot.lab.fault_injection.fault_file import Fault, FaultStep
from bot.lab.lab_state import LabInstance, LabState, Login
from bot.lab.replication import answers
from bot.lab.vitess import application_load, cluster_processes
from bot.lab.vitess.tablet_mysql import record_restarted_servers
from bot.lab.waiting import START_AFRESH, log_of, wait_until

ANSWERS_WITHIN = 30.0
SOUND_WITHIN = 150.0
"""Seconds; vtgate retries an unreachable tablet at increasing intervals."""
MOST_ERRANT = 1000
"""Limit of errant transactions to cover; no fault causes more."""


def run_cluster_step(state: LabState, fault: Fault, instance: LabInstance, action: FaultStep) -> bool:
    """Runs a cluster step on one instance; False if the step is not a cluster step. Raises Unreachable."""
    if action.process is not None:
        _signal_program(state, vitess_cluster.process_name(state, instance, action.of), action.process)
    elif action.rpc is not None:
        for text in action.rpc:
            vitess_cluster.vtctld_call(state, fault, text, instance.name)
    elif action.try_rpc is not None:
        for text in action.try_rpc:
            with suppress(Unreachable):
                vitess_cluster.vtctld_call(state, fault, text, instance.name)
    elif action.vtorc is not None:
        _call_vtorc(state, action.vtorc)
    elif action.env is not None:
        port = vitess_cluster.cluster_of(state).tablet(instance.name).http_port
        for name, value in action.env.items():
            _request("POST", f"http://{instance.host}:{port}/debug/env", {"varname": name, "value": value})
    else:
        return False
    return True


def _signal_program(state: LabState, name: str, do: str) -> None:
    if do == "start":
        cluster_processes.restart(state, name)
    else:
        {"kill": cluster_processes.kill, "stop": cluster_processes.freeze, "continue": cluster_processes.thaw}[do](
            state, name
        )


def _call_vtorc(state: LabState, path: str) -> None:
    _request("GET", f"{vitess_cluster.cluster_of(state).vtorc}{path}")


def _request(method: str, url: str, data: Mapping[str, str] | None = None) -> None:
    try:
        requests.request(method, url, data=data, timeout=vitess_cluster.LOOK_WITHIN).raise_for_status()
    except requests.RequestException as error:
        raise Unreachable(f"{url} did not accept the request of a fault: {error}.") from error


def restore_programs(state: LabState) -> None:
    """Restarts every program that is not running, and enables VTOrc's recoveries; raises FirstmateError on timeout."""
    vitess = vitess_cluster.cluster_of(state)
    record_restarted_servers(state)
    for name in ("etcd", *(t.mysqld for t in vitess.tablets), "vtctld", *(t.vttablet for t in vitess.tablets)):
        cluster_processes.thaw(state, name)
        cluster_processes.restart(state, name)
    for name in ("vtorc", "vtgate"):
        cluster_processes.thaw(state, name)
        cluster_processes.restart(state, name)
    for instance in state.instances:
        wait_until(
            f"the MySQL of {instance.name} answers",
            partial(answers, instance),
            ANSWERS_WITHIN,
            log=log_of(state, instance.name),
        )

    def enabled() -> bool:
        with suppress(Unreachable):
            _call_vtorc(state, "/api/enable-global-recoveries")
            return True
        return False

    wait_until("VTOrc accepts that its recoveries are enabled", enabled, ANSWERS_WITHIN, log=log_of(state, "vtorc"))


def wait_until_healthy(state: LabState) -> None:
    """Waits until the cluster is healthy; raises FirstmateError with the remaining problem."""
    try:
        wait_until(
            "every shard has a primary",
            lambda: not _shards_without_primary(state),
            SOUND_WITHIN,
            log=log_of(state, "vtorc"),
        )
        cover_errant_transactions(state)
        wait_until(
            "the cluster is healthy", lambda: not health_problem(state), SOUND_WITHIN, log=log_of(state, "vtorc")
        )
    except FirstmateError as error:
        problem = health_problem(state)
        found = f"Now {problem}. {START_AFRESH}" if problem else str(error)
        raise FirstmateError(f"The Vitess cluster in {state.folder} did not recover. {found}") from error


def _shards_without_primary(state: LabState) -> str:
    """Returns the shards without a serving primary."""
    try:
        found = vitess_cluster.tablet_states(state)
    except (pymysql.err.MySQLError, OSError) as error:
        return f"vtgate does not answer: {error}"
    shards = {tablet.alias: tablet.shard for tablet in vitess_cluster.cluster_of(state).tablets}
    serving = {shards[alias] for alias, how in found.items() if how == "PRIMARY/SERVING"}
    return ", ".join(sorted({*shards.values()} - serving))


def health_problem(state: LabState) -> str:
    """Returns a problem of the cluster; empty when it is as after `firstmate lab up`."""
    try:
        found = sorted(vitess_cluster.tablet_states(state).values())
        if found != ["PRIMARY/SERVING"] * 2 + ["REPLICA/SERVING"] * 4:
            return f"vtgate reports {', '.join(found)}"
        if detected := vitess_cluster.detected_problems(state):
            return f"VTOrc detects {detected}"
        if problems := requests.get(
            f"{vitess_cluster.cluster_of(state).vtorc}/api/problems", timeout=vitess_cluster.LOOK_WITHIN
        ).json():
            return f"VTOrc reports problems: {[(each['InstanceAlias'], each['Problems']) for each in problems]}"
        if vitess_cluster.recoveries_disabled(state):
            return "VTOrc's recoveries are disabled"
        return _query_problem(state)
    except (pymysql.err.MySQLError, OSError, ValueError, KeyError, FirstmateError) as error:
        return f"the cluster does not answer: {error}"


def _query_problem(state: LabState) -> str:
    """Queries a primary and a replica of each shard, and checks that the application writes."""
    server, vitess = vitess_cluster.vtgate(state), vitess_cluster.cluster_of(state)
    with connect(server.host, server.port, Login("app", ""), timeout=vitess_cluster.LOOK_WITHIN) as connection:
        for shard in sorted({tablet.shard for tablet in vitess.tablets}):
            for kind in ("primary", "replica"):
                ask(connection, f"USE `{vitess.keyspace}/{shard}@{kind}`")
                ask(connection, "SELECT customer_id FROM customer LIMIT 1")
        before = application_load.load_counts(state.folder).writes
    wait_until(
        "the application writes through vtgate",
        lambda: application_load.load_counts(state.folder).writes > before,
        5.0,
        log=log_of(state, application_load.NAME),
    )
    return ""


def cover_errant_transactions(state: LabState) -> None:
    """Commits an empty transaction on the primary for each errant transaction, whose effect is already undone."""
    shards = {tablet.alias: tablet.shard for tablet in vitess_cluster.cluster_of(state).tablets}
    now = vitess_cluster.tablet_states(state)
    primaries = {shards[alias]: alias for alias, how in now.items() if how == "PRIMARY/SERVING"}
    for alias, how in now.items():
        if not how.startswith("PRIMARY"):
            _cover_errant_transactions(state.instance(primaries[shards[alias]]), state.instance(alias))


def _cover_errant_transactions(primary: LabInstance, replica: LabInstance) -> None:
    # The replica is read first; otherwise transactions committed in between would look errant.
    with administrator(replica) as admin:
        [has] = ask(admin, "SELECT @@GLOBAL.gtid_executed AS gtids")
    with administrator(primary) as admin:
        [errant] = ask(admin, "SELECT GTID_SUBTRACT(%s, @@GLOBAL.gtid_executed) AS gtids", (has["gtids"],))
        for gtid in expand_gtid_set(str(errant["gtids"])):
            ask(admin, "SET gtid_next = %s", (gtid,))
            ask(admin, "BEGIN")
            ask(admin, "COMMIT")
        ask(admin, "SET gtid_next = 'AUTOMATIC'")


def expand_gtid_set(gtids: str) -> list[str]:
    """Returns the GTIDs of a set such as `uuid:1-3:7, uuid:9`; raises FirstmateError for more than MOST_ERRANT."""
    found = []
    for part in filter(None, gtids.replace("\n", "").split(",")):
        server, *ranges = part.strip().split(":")
        for each in ranges:
            first, _, last = each.partition("-")
            found += [f"{server}:{number}" for number in range(int(first), int(last or first) + 1)]
            if len(found) > MOST_ERRANT:
                raise FirstmateError(f"More than {MOST_ERRANT} transactions are on a replica only: {gtids[:200]}.")
    return found
