"""Reads from one server what decides its role in its shard."""

from __future__ import annotations

from collections.abc import Mapping

from actions.contract import MySQL
from actions.replica_status_rows import binlog_readers
from actions.replication_graph import Group, MemberFacts
from actions.replication_sources import sources
from actions.status_counters import number, on, status, variables

VARIABLES = (
    "read_only",
    "server_uuid",
    "server_id",
    "hostname",
    "port",
    "report_host",
    "report_port",
    "group_replication_group_name",
    "group_replication_single_primary_mode",
    "wsrep_on",
)
GROUP = """
SELECT MEMBER_ID AS id, MEMBER_STATE AS state, MEMBER_ROLE AS role
  FROM performance_schema.replication_group_members
"""
GROUP_57 = """
SELECT MEMBER_ID AS id, MEMBER_STATE AS state,
       IF(MEMBER_ID = (SELECT VARIABLE_VALUE FROM performance_schema.global_status
                        WHERE VARIABLE_NAME = 'group_replication_primary_member'), 'PRIMARY', 'SECONDARY') AS role
  FROM performance_schema.replication_group_members
"""
"""MEMBER_ROLE is new in MySQL 8.0.2; before, a status variable names the primary (MySQL 5.7 manual, "Finding the
Primary"). It is empty in multi-primary mode, where all members accept writes."""


def member_facts(db: MySQL) -> MemberFacts:
    """Reads whether a server is writable, from whom each of its channels replicates, and its group.

    Raises Unreadable.
    """
    has = variables(db, *VARIABLES)
    return MemberFacts(
        writable=has.get("read_only", "OFF").upper() in ("OFF", "0"),
        sources=sources(db),
        server_uuid=has.get("server_uuid", "").lower(),
        server_id=number(has, "server_id"),
        names=_names(has),
        binlog_readers=binlog_readers(db),
        group=_group(db, has),
    )


def _names(has: Mapping[str, str]) -> tuple[str, ...]:
    port = next((has[name] for name in ("report_port", "port") if has.get(name, "0") != "0"), "3306")
    hosts = (has.get("report_host", ""), has.get("hostname", ""))
    return tuple(dict.fromkeys(f"{host}:{port}" for host in hosts if host))


def _group(db: MySQL, has: Mapping[str, str]) -> Group | None:
    if on(has, "wsrep_on"):
        seen = status(db, "wsrep_cluster_state_uuid", "wsrep_cluster_status", "wsrep_local_state_comment")
        own = seen.get("wsrep_local_state_comment", "")
        in_it = seen.get("wsrep_cluster_status") == "Primary" and own in ("Synced", "Donor/Desynced")
        state = "ONLINE" if in_it else own
        return Group(seen.get("wsrep_cluster_state_uuid", ""), state, all_write=True)
    name = has.get("group_replication_group_name", "")
    if not name:
        return None
    rows = db.rows(GROUP if db.version.at_least(8, 0, 2) else GROUP_57)
    own = next((str(row["state"]) for row in rows if str(row["id"]) == has.get("server_uuid")), "")
    primaries = tuple(str(row["id"]).lower() for row in rows if row["role"] == "PRIMARY")
    return Group(name, own, primaries, all_write=not on(has, "group_replication_single_primary_mode"))
