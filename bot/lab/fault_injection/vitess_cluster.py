"""Resolves the places in a fault's file to tablets of the Vitess cluster, and reads the cluster's state.

Primaries move, so a fault names a shard and a role. The tablets are resolved when the fault is injected and kept until
it is fixed: a primary that was killed remains the fault's target when another tablet has become the primary.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from functools import lru_cache
from string import Template
from typing import Any

import requests

from actions.vitess_contract import alias_of, alias_record, parse_call
from bot.config import VtctldSettings
from bot.errors import FirstmateError
from bot.fleet.vitess.vtctld import Vtctld
from bot.lab import processes
from bot.lab.connections import ask, connect
from bot.lab.fault_injection.fault_file import Check, ClusterProgram, Fault
from bot.lab.fault_injection.saved_values import saved_values
from bot.lab.lab_state import LabInstance, LabState, LabVitess, Login

VTGATE = "vtgate"
CALL_WITHIN = 30.0
LOOK_WITHIN = 5.0
_OF_TABLETS = ("mysqld", "vttablet")
_ALIASES = ("target", "primary", "other_replica", "other_primary", "here")


def cluster_of(state: LabState) -> LabVitess:
    """Returns the cluster of the lab; raises FirstmateError when the lab has none."""
    if state.vitess is None:
        raise FirstmateError(
            "This fault needs the Vitess lab; run `firstmate lab down`, then `firstmate lab up --vitess`."
        )
    return state.vitess


def resolve_place(state: LabState, place: str) -> dict[str, str]:
    """Returns the tablets that a place such as `commerce/-80@primary` refers to now, by role; raises FirstmateError."""
    return roles_at(cluster_of(state), place, _primaries(state))


def roles_at(vitess: LabVitess, place: str, primaries: Mapping[str, str]) -> dict[str, str]:
    """Like resolve_place, for known primaries; includes the other values that a fault's statements may use."""
    _, _, rest = place.partition("/")
    shard, _, role = rest.partition("@")
    other = next(tablet.shard for tablet in vitess.tablets if tablet.shard != shard)
    for each in (shard, other):
        if each not in primaries:
            raise FirstmateError(f"Shard {each} has no primary, so {place} refers to no tablet.")
    replicas = {
        each: [t.alias for t in vitess.tablets if t.shard == each and t.alias != primaries[each]]
        for each in (shard, other)
    }
    target = primaries[shard] if role == "primary" else replicas[shard][0]
    return {
        "target": target,
        "primary": primaries[shard],
        "replicas": " ".join(replicas[shard]),
        "other_replica": next(alias for alias in replicas[shard] if alias != target),
        "other_primary": primaries[other],
        "other_replicas": " ".join(replicas[other]),
        "shard": shard,
        "other_shard": other,
        "uuid": str(uuid.uuid1()).replace("-", "_"),
    }


def _primaries(state: LabState) -> dict[str, str]:
    """Returns the alias of each shard's primary; of two primaries, the one with the later term."""
    answer = vtctld(cluster_of(state).vtctld).call(
        "GetTablets", {"keyspace": cluster_of(state).keyspace}, timeout=LOOK_WITHIN
    )
    found: dict[str, tuple[float, str]] = {}
    for tablet in answer.get("tablets", ()):
        if tablet.get("type") == "PRIMARY":
            began = tablet.get("primary_term_start_time", {})
            term = int(began.get("seconds", 0)) + int(began.get("nanoseconds", 0)) / 1e9
            found[tablet["shard"]] = max(found.get(tablet["shard"], (0.0, "")), (term, alias_of(tablet["alias"])))
    return {shard: alias for shard, (_, alias) in found.items()}


def instances_for(state: LabState, fault: Fault, on: str) -> tuple[LabInstance, ...]:
    """Returns the servers that `on` of a step or a check refers to."""
    if on == VTGATE:
        return (vtgate(state),)
    names = saved_values(state, fault) or resolve_place(state, fault.instance)
    return tuple(state.instance(alias) for alias in names.get(on, on).split())


def vtgate(state: LabState) -> LabInstance:
    """Returns the cluster's vtgate as a server for clients."""
    host, _, port = cluster_of(state).vtgate_mysql.rpartition(":")
    return LabInstance(VTGATE, "", host, int(port), int(port), "app", "", "primary", None, "mysql", "")


def names(state: LabState, fault: Fault) -> dict[str, str]:
    """Returns the values of $NAMES in statements, labels and expressions."""
    vitess = cluster_of(state)
    return {
        **(saved_values(state, fault) or resolve_place(state, fault.instance)),
        "keyspace": vitess.keyspace,
        "vtgate": vitess.vtgate.removeprefix("http://"),
        "vtorc": vitess.vtorc.removeprefix("http://"),
        "vtctld": vitess.vtctld_url.removeprefix("http://"),
        "etcd": vitess.etcd,
    }


@lru_cache
def vtctld(address: str) -> Vtctld:
    """Returns the client of a lab's vtctld."""
    return Vtctld(VtctldSettings(address=address))


def vtctld_call(
    state: LabState, fault: Fault, text: str, here: str = "", timeout: float = CALL_WITHIN
) -> Mapping[str, Any]:
    """Calls vtctld as a fault's file says, with tablet aliases for its $NAMES; raises Unreachable."""
    known = {**names(state, fault), "here": here}
    records = {name: json.dumps(alias_record(known[name])) for name in _ALIASES if known.get(name)}
    parsed = parse_call(Template(text).safe_substitute({**known, **records}))
    if parsed is None:
        raise FirstmateError(f"{fault.name}: `{text}` is not a vtctld call.")
    return vtctld(cluster_of(state).vtctld).call(*parsed, timeout=timeout)


def process_name(state: LabState, instance: LabInstance, wanted: ClusterProgram) -> str:
    """Returns the name of the process: the tablet's own, or that of the cluster's single program."""
    if wanted not in _OF_TABLETS:
        return wanted
    tablet = cluster_of(state).tablet(instance.name)
    return tablet.mysqld if wanted == "mysqld" else tablet.vttablet


def check_value(state: LabState, fault: Fault, instance: LabInstance, check: Check) -> str | None:
    """Returns the value of a check of the cluster as text; None for a check of a server."""
    shards = {tablet.alias: tablet.shard for tablet in cluster_of(state).tablets}
    if check.tablet is not None:
        return str(int(tablet_states(state).get(instance.name) == check.tablet))
    if check.serves is not None:
        shard = cluster_of(state).tablet(saved_values(state, fault)["target"]).shard
        serving = {shards[alias] for alias, how in tablet_states(state).items() if how == f"{check.serves}/SERVING"}
        return str(int(shard in serving))
    if check.recoveries_disabled:
        return str(int(recoveries_disabled(state)))
    if check.vtorc is not None:
        return str(int(check.vtorc in detected_problems(state).get(instance.name, ())))
    if check.gone is not None:
        return str(int(not _runs(state, process_name(state, instance, check.gone))))
    if check.rpc is not None:
        return _field(vtctld_call(state, fault, check.rpc, instance.name, LOOK_WITHIN), check.at)
    return None


def tablet_states(state: LabState) -> dict[str, str]:
    """Returns the type and state of each tablet in vtgate, such as REPLICA/SERVING, by alias."""
    server = vtgate(state)
    with connect(server.host, server.port, Login("app", ""), timeout=LOOK_WITHIN) as connection:
        rows = ask(connection, "SHOW VITESS_TABLETS")
    return {str(row["Alias"]): f"{row['TabletType']}/{row['State']}" for row in rows}


def detected_problems(state: LabState) -> dict[str, set[str]]:
    """Returns the problems that VTOrc detects, by tablet alias."""
    found: dict[str, set[str]] = {}
    answer = requests.get(f"{cluster_of(state).vtorc}/api/detection-analysis", timeout=LOOK_WITHIN).json()
    for entry in answer or ():
        said = {entry["Analysis"], *(each["Analysis"] for each in entry.get("AnalysisMatchedProblems") or ())}
        if said := said - {"NoProblem", ""}:
            found.setdefault(entry["AnalyzedInstanceAlias"], set()).update(said)
    return found


def recoveries_disabled(state: LabState) -> bool:
    """Returns whether VTOrc's recoveries are disabled; only the dump of its own database shows that."""
    text = requests.get(f"{cluster_of(state).vtorc}/api/database-state", timeout=LOOK_WITHIN).text
    return '"disable_recovery"' in text


def _runs(state: LabState, name: str) -> bool:
    return processes.find_running(state.folder, state.marker, name) is not None


def _field(answer: Mapping[str, Any], path: str) -> str:
    """Returns a field of an answer by its dotted path; empty if it is missing."""
    found: Any = answer
    for key in path.split("."):
        if isinstance(found, list):
            found = found[int(key)] if key.isdigit() and int(key) < len(found) else None
        else:
            found = found.get(key) if isinstance(found, Mapping) else None
    if found is None:
        return ""
    return found if isinstance(found, str) else json.dumps(found)
