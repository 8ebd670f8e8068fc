"""What faults do to the Vitess cluster of a lab, and how it is made whole again."""

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
from bot.lab.waiting import wait_until

ANSWERS_WITHIN = 30.0
SOUND_WITHIN = 150.0
"""Seconds: a vtgate looks ever more rarely for a tablet that was away."""
MOST_ERRANT = 1000
"""Transactions that are evened out; more is no fault's doing."""


def run_cluster_step(state: LabState, fault: Fault, instance: LabInstance, action: FaultStep) -> bool:
    """Plays a step that is for the cluster at one place; False where it is none. Raises Unreachable."""
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
        raise Unreachable(f"{url} does not take what a fault sends: {error}.") from error


def restore_programs(state: LabState) -> None:
    """Lets every program of the cluster run again, and VTOrc repair; raises FirstmateError where one does not come."""
    vitess = vitess_cluster.cluster_of(state)
    record_restarted_servers(state)
    for name in ("etcd", *(t.mysqld for t in vitess.tablets), "vtctld", *(t.vttablet for t in vitess.tablets)):
        cluster_processes.thaw(state, name)
        cluster_processes.restart(state, name)
    for name in ("vtorc", "vtgate"):
        cluster_processes.thaw(state, name)
        cluster_processes.restart(state, name)
    for instance in state.instances:
        wait_until(f"the MySQL of {instance.name} answers", partial(answers, instance), ANSWERS_WITHIN)

    def enabled() -> bool:
        with suppress(Unreachable):
            _call_vtorc(state, "/api/enable-global-recoveries")
            return True
        return False

    wait_until("VTOrc takes its recoveries as enabled", enabled, ANSWERS_WITHIN)


def wait_until_healthy(state: LabState) -> None:
    """Waits until nothing is wrong with the cluster; raises FirstmateError with what is."""
    try:
        wait_until("the cluster has its primaries", lambda: not _shards_without_primary(state), SOUND_WITHIN)
        cover_errant_transactions(state)
        wait_until("the cluster is sound", lambda: not health_problem(state), SOUND_WITHIN)
    except FirstmateError as error:
        raise FirstmateError(f"The cluster does not recover: {health_problem(state) or error}") from error


def _shards_without_primary(state: LabState) -> str:
    """The shards that have no primary that serves."""
    try:
        found = vitess_cluster.tablet_states(state)
    except (pymysql.err.MySQLError, OSError) as error:
        return f"vtgate does not answer: {error}"
    shards = {tablet.alias: tablet.shard for tablet in vitess_cluster.cluster_of(state).tablets}
    serving = {shards[alias] for alias, how in found.items() if how == "PRIMARY/SERVING"}
    return ", ".join(sorted({*shards.values()} - serving))


def health_problem(state: LabState) -> str:
    """What is wrong with the cluster, in a few words; '' where all is as after `lab up`."""
    try:
        found = sorted(vitess_cluster.tablet_states(state).values())
        if found != ["PRIMARY/SERVING"] * 2 + ["REPLICA/SERVING"] * 4:
            return f"vtgate has {', '.join(found)}"
        if detected := vitess_cluster.detected_problems(state):
            return f"VTOrc detects {detected}"
        if problems := requests.get(
            f"{vitess_cluster.cluster_of(state).vtorc}/api/problems", timeout=vitess_cluster.LOOK_WITHIN
        ).json():
            return f"VTOrc has problems: {[(each['InstanceAlias'], each['Problems']) for each in problems]}"
        if vitess_cluster.recoveries_disabled(state):
            return "the recoveries of VTOrc are disabled"
        return _query_problem(state)
    except (pymysql.err.MySQLError, OSError, ValueError, KeyError, FirstmateError) as error:
        return f"it does not answer: {error}"


def _query_problem(state: LabState) -> str:
    """Asks both shards for rows, and sees that the application writes."""
    server, vitess = vitess_cluster.vtgate(state), vitess_cluster.cluster_of(state)
    with connect(server.host, server.port, Login("app", ""), patience=vitess_cluster.LOOK_WITHIN) as connection:
        for shard in sorted({tablet.shard for tablet in vitess.tablets}):
            for kind in ("primary", "replica"):
                ask(connection, f"USE `{vitess.keyspace}/{shard}@{kind}`")
                ask(connection, "SELECT customer_id FROM customer LIMIT 1")
        before = application_load.load_counts(state.folder).writes
    wait_until("the application writes", lambda: application_load.load_counts(state.folder).writes > before, 5.0)
    return ""


def cover_errant_transactions(state: LabState) -> None:
    """Gives each primary an empty transaction for every one that only a replica has; what it did is undone already."""
    shards = {tablet.alias: tablet.shard for tablet in vitess_cluster.cluster_of(state).tablets}
    now = vitess_cluster.tablet_states(state)
    primaries = {shards[alias]: alias for alias, how in now.items() if how == "PRIMARY/SERVING"}
    for alias, how in now.items():
        if not how.startswith("PRIMARY"):
            _cover_errant_transactions(state.instance(primaries[shards[alias]]), state.instance(alias))


def _cover_errant_transactions(primary: LabInstance, replica: LabInstance) -> None:
    # The replica first: the other way round, what is written meanwhile would look errant.
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
    """Every transaction of a set such as `uuid:1-3:7, uuid:9`; raises FirstmateError where there are too many."""
    found = []
    for part in filter(None, gtids.replace("\n", "").split(",")):
        server, *ranges = part.strip().split(":")
        for each in ranges:
            first, _, last = each.partition("-")
            found += [f"{server}:{number}" for number in range(int(first), int(last or first) + 1)]
            if len(found) > MOST_ERRANT:
                raise FirstmateError(f"{len(found)} transactions and more are on a replica alone: {gtids[:200]}.")
    return found
