"""What kind of server this is: how it replicates, which group or service it belongs to, and whether it serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from actions.contract import Cost, Count, Flavour, MySQL, Seconds, Unreadable, diagnostic
from actions.managed_services import NAMES, Service, service_of
from actions.managed_services import VARIABLES as OF_SERVICES
from actions.replica_status_rows import binlog_readers, column, replica_status_rows
from actions.replication_sources import GROUP
from actions.statement_redaction import redact_error
from actions.status_counters import number, on, status, variables

Kind: TypeAlias = Literal["standalone", "source", "replica", "group_member", "galera_node"]
GroupState: TypeAlias = Literal["", "ONLINE", "RECOVERING", "OFFLINE", "ERROR", "UNREACHABLE"]
_GROUP_STATES: tuple[GroupState, ...] = ("ONLINE", "RECOVERING", "OFFLINE", "ERROR", "UNREACHABLE")
_VARIABLES = (
    *OF_SERVICES,
    "server_uuid",
    "read_only",
    "innodb_read_only",
    "offline_mode",
    "innodb_force_recovery",
    "group_replication_group_name",
    "wsrep_on",
)
MEMBERS = """
SELECT MEMBER_ID AS id, MEMBER_STATE AS state FROM performance_schema.replication_group_members
"""
GROUP_ERRORS = """
SELECT LAST_ERROR_NUMBER AS errno, LAST_ERROR_MESSAGE AS error
  FROM performance_schema.replication_applier_status_by_worker
 WHERE CHANNEL_NAME LIKE 'group_replication%' AND LAST_ERROR_NUMBER <> 0
UNION ALL
SELECT LAST_ERROR_NUMBER, LAST_ERROR_MESSAGE
  FROM performance_schema.replication_connection_status
 WHERE CHANNEL_NAME LIKE 'group_replication%' AND LAST_ERROR_NUMBER <> 0
"""
CLONES = "SELECT STATE AS state FROM performance_schema.clone_status WHERE STATE = 'In Progress'"


@dataclass(frozen=True, slots=True)
class ServerKind:
    """The kind of a server, by what the server itself says."""

    kind: Kind = "standalone"
    """How it replicates. A member of a group or a cluster is that, whatever else it replicates."""
    service: Service = "none"
    """The managed service that it belongs to."""
    service_name: str = ""
    """The name of that service; '' for none."""
    channels: Count = 0
    """Configured replication channels, without those of Group Replication."""
    channels_stopped: Count = 0
    """How many of them have no running receiver."""
    delay: Seconds = 0.0
    """The longest configured delay of a channel."""
    connected_replicas: Count = 0
    """Sessions that read its binary log now."""
    read_only: bool = False
    """Whether read_only or innodb_read_only is on; readers of Aurora have the latter."""
    offline: bool = False
    """Whether offline_mode is on."""
    recovering: bool = False
    """Whether it runs with innodb_force_recovery, for reading out its data only."""
    provisioning: bool = False
    """Whether its data is being replaced by a clone, or by a state transfer of Galera."""
    group_state: GroupState = ""
    """Its state in its group (Group Replication), in the server's word; '' if it is not configured for a group."""
    group_members: Count = 0
    """Members of the group that it knows."""
    group_online: Count = 0
    """How many of them it sees ONLINE."""
    group_errno: int = 0
    """The last error of a channel of the group; 0 for none."""
    group_error: str = ""
    """The text of that error, without the values that it quotes."""
    galera_state: str = ""
    """wsrep_local_state_comment, such as Synced; '' if it is no Galera node."""
    galera_primary: bool = False
    """Whether its part of the cluster has the majority (wsrep_cluster_status is Primary)."""
    galera_size: Count = 0
    """wsrep_cluster_size."""

    @property
    def managed(self) -> bool:
        """Whether it belongs to a managed service."""
        return self.service != "none"


@diagnostic(
    cost=Cost.LOW,
    needs={
        Flavour.MYSQL: ("PROCESS", "REPLICATION CLIENT", "SELECT ON performance_schema.*"),
        Flavour.MARIADB: ("PROCESS", "SLAVE MONITOR"),
    },
)
def server_kind(db: MySQL) -> ServerKind:
    """Reads how a server replicates, its state in a group or cluster, and the variables that show a managed service."""
    has = variables(db, *_VARIABLES)
    rows = replica_status_rows(db, limit=64)
    channels = [each for each in rows if not str(each.get("Channel_Name") or "").startswith(GROUP)]
    stopped = [each for each in channels if (column(each, "Replica_IO_Running", "Slave_IO_Running") or "No") == "No"]
    readers = binlog_readers(db)
    galera = status(db, "wsrep_local_state_comment", "wsrep_cluster_status", "wsrep_cluster_size")
    is_node, in_group = on(has, "wsrep_on"), bool(has.get("group_replication_group_name"))
    service = service_of(has)
    state = galera.get("wsrep_local_state_comment", "") if is_node else ""
    found = ServerKind(
        kind=_kind(is_node=is_node, in_group=in_group, channels=len(channels), readers=readers),
        service=service,
        service_name=NAMES.get(service, ""),
        channels=len(channels),
        channels_stopped=len(stopped),
        delay=max((float(each.get("SQL_Delay") or 0) for each in channels), default=0.0),
        connected_replicas=readers,
        read_only=has.get("read_only", "OFF").upper() not in ("OFF", "0") or on(has, "innodb_read_only"),
        offline=on(has, "offline_mode"),
        recovering=number(has, "innodb_force_recovery") > 0,
        provisioning=state.startswith("Join") or _is_cloning(db),
        galera_state=state,
        galera_primary=is_node and galera.get("wsrep_cluster_status") == "Primary",
        galera_size=number(galera, "wsrep_cluster_size") if is_node else 0,
    )
    return _with_group(found, db, has) if in_group else found


def _kind(*, is_node: bool, in_group: bool, channels: int, readers: int) -> Kind:
    if is_node:
        return "galera_node"
    if in_group:
        return "group_member"
    if channels:
        return "replica"
    return "source" if readers else "standalone"


def _with_group(found: ServerKind, db: MySQL, has: Mapping[str, str]) -> ServerKind:
    """Adds the server's state in its group, and the last error of the group's channels."""
    members = db.rows(MEMBERS)
    own = next((str(each["state"]) for each in members if str(each["id"]) == has.get("server_uuid")), "OFFLINE")
    errors = db.rows(GROUP_ERRORS, limit=1)
    return replace(
        found,
        group_state=next((each for each in _GROUP_STATES if each == own), "OFFLINE"),
        group_members=len(members),
        group_online=sum(each["state"] == "ONLINE" for each in members),
        group_errno=int(errors[0]["errno"]) if errors else 0,
        group_error=redact_error(errors[0]["error"]) if errors else "",
    )


def _is_cloning(db: MySQL) -> bool:
    """Whether a clone replaces its data (MySQL 8.0.17 and later with the plugin clone)."""
    if db.version.is_mariadb or not db.version.at_least(8, 0, 17):
        return False
    try:
        return bool(db.rows(CLONES))
    except Unreadable:
        return False  # the plugin is not installed, so the table does not exist
