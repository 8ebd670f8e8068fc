"""Workflows that move tables or shards, in whichever keyspace they run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actions.contract import Refused, Unreadable
from actions.vitess_contract import Vitess

MOVING_TYPES = ("MoveTables", "Reshard", "Migrate")
"""Types of workflows that switch traffic: while under way they deny tables or disable query services."""
FROZEN = "FROZEN"
"""The message of a stream whose traffic was switched away (Vitess, workflow.Frozen)."""
MOST_KEYSPACES = 50
"""Keyspaces whose workflows are read; a cluster with more is refused."""


def moving_workflows(vt: Vitess) -> list[Mapping[str, Any]]:
    """Returns the workflows that move tables or shards from or to the keyspace, in all keyspaces. Raises Unreadable."""
    names = [str(each["name"]) for each in vt.rpc("GetKeyspaces").get("keyspaces", ())]
    if len(names) > MOST_KEYSPACES:
        raise Refused(
            f"{vt.cluster} has {len(names)} keyspaces, and workflows are searched in at most {MOST_KEYSPACES}. Check "
            "the workflows by hand."
        )
    answers = vt.rpcs("GetWorkflows", [{"keyspace": name} for name in names])
    found = []
    for name, answer in zip(names, answers, strict=True):
        if not answer.ok:
            raise Unreadable(f"The workflows of {name} could not be read: {answer.error}")
        found += [each for each in answer.body.get("workflows", ()) if _moves(each, vt.keyspace)]
    return found


def _moves(workflow: Mapping[str, Any], keyspace: str) -> bool:
    ends = [(workflow.get(end) or {}).get("keyspace") for end in ("source", "target")]
    return workflow.get("workflow_type") in MOVING_TYPES and keyspace in ends


def workflow_title(workflow: Mapping[str, Any]) -> str:
    """Returns the type, the name and the keyspaces of a workflow, for messages."""
    source, target = ((workflow.get(end) or {}).get("keyspace", "?") for end in ("source", "target"))
    return f"{workflow.get('workflow_type')} {str(workflow.get('name'))[:80]} from {source} to {target}"
