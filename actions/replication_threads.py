"""The two threads of a replica, as remediations name them and as START and STOP REPLICA take them."""

from __future__ import annotations

from typing import Literal, TypeAlias

ReplicationThread: TypeAlias = Literal["both", "applier", "receiver"]


def thread_title(thread: ReplicationThread) -> str:
    """Returns the word for one thread, or for both of them, in sentences."""
    return "replication" if thread == "both" else thread


def thread_clause(thread: ReplicationThread) -> str:
    """Returns what START and STOP REPLICA take after their noun, with a space before it; '' for both threads."""
    return {"both": "", "applier": " SQL_THREAD", "receiver": " IO_THREAD"}[thread]
