"""The threads of a replica, as remediations name them and START and STOP REPLICA take them, on exactly one channel."""

from __future__ import annotations

from typing import Literal, TypeAlias

from actions.contract import MySQL, Refused, ServerVersion, Statement
from actions.replication_channels import ReplicaStatus, at_its_root, channel_name, replica_channels
from actions.server_versions import replica
from actions.sql_quoting import statement

ReplicationThread: TypeAlias = Literal["both", "applier", "receiver"]
OF_THE_GROUP = "group_replication_"
"""How MySQL's own channels of Group Replication begin; the group starts and stops them itself."""


def thread_title(thread: ReplicationThread) -> str:
    """Returns the word for one thread, or for both of them, in sentences."""
    return "replication" if thread == "both" else thread


def thread_clause(thread: ReplicationThread) -> str:
    """Returns what START and STOP REPLICA take after their noun, with a space before it; '' for both threads."""
    return {"both": "", "applier": " SQL_THREAD", "receiver": " IO_THREAD"}[thread]


def status_of_channel(db: MySQL, channel: str) -> ReplicaStatus:
    """Returns the status of exactly one channel; of a server that does not replicate, one that is not configured.

    '' means the default channel, or the only channel of the server. Raises Refused if the server does not have the
    channel, has several and none of them is the default one, or if the channel belongs to Group Replication.
    """
    found = replica_channels(db)
    if not found:
        return ReplicaStatus()
    told = next((each for each in found if each.channel.lower() == channel.lower()), None)
    if told is None and not channel and len(found) == 1:
        told = found[0]
    names = ", ".join(channel_name(each.channel) for each in found)
    if told is None and channel:
        raise Refused(f"{db.address} has no replication channel {channel}; it has {names}. Diagnose again.")
    if told is None:
        raise Refused(f"{db.address} has {len(found)} replication channels ({names}). Name the one that is meant.")
    if told.channel.lower().startswith(OF_THE_GROUP):
        raise Refused(
            f"{channel_name(told.channel).capitalize()} of {db.address} belongs to Group Replication, which starts and "
            "stops it. Look at the state of the member instead."
        )
    return at_its_root(db, told)


def thread_statement(
    verb: Literal["START", "STOP"], thread: ReplicationThread, status: ReplicaStatus, version: ServerVersion
) -> Statement:
    """Returns START or STOP REPLICA for the threads of this channel and no other.

    Without a name, MySQL starts and stops all channels, so the default channel is named (`FOR CHANNEL ''`) where others
    exist. MariaDB then means the connection in default_master_connection, which is '' in a new session. The name comes
    last in MySQL, first in MariaDB (manuals, START REPLICA).
    """
    noun, clause = replica(version), thread_clause(thread)
    if version.is_mariadb:
        return (
            statement(f"{verb} {noun} {{}}{clause}", status.channel)
            if status.channel
            else statement(f"{verb} {noun}{clause}")
        )
    if status.channel or status.others:
        return statement(f"{verb} {noun}{clause} FOR CHANNEL {{}}", status.channel)
    return statement(f"{verb} {noun}{clause}")


def running_threads(thread: ReplicationThread, status: ReplicaStatus) -> ReplicationThread | None:
    """Returns which of these threads are started now; None if none is. A receiver that connects counts as started."""
    applier = thread != "receiver" and status.applier_running == "Yes"
    receiver = thread != "applier" and status.receiver_running != "No"
    return "both" if applier and receiver else "applier" if applier else "receiver" if receiver else None


def standing_threads(thread: ReplicationThread, status: ReplicaStatus) -> ReplicationThread | None:
    """Returns which of these threads are stopped now; None if none is."""
    applier = thread != "receiver" and status.applier_running == "No"
    receiver = thread != "applier" and status.receiver_running == "No"
    return "both" if applier and receiver else "applier" if applier else "receiver" if receiver else None
