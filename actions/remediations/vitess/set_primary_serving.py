"""Marks a shard's primary as serving in the shard record, after a workflow left it switched off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Statement, Verification
from actions.vitess_contract import Vitess, call, vitess
from actions.vitess_prechecks import refuse_moving_workflows
from actions.vitess_records import shard_record


@dataclass(frozen=True)
class SetPrimaryServing(Remediation):
    """Calls SetShardIsPrimaryServing with true, then RebuildKeyspaceGraph, which fails if the shards leave a gap."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = {
        Flavour.VITESS: (
            "GetShard",
            "FindAllShardsInKeyspace",
            "GetKeyspaces",
            "GetWorkflows",
            "SetShardIsPrimaryServing",
            "RebuildKeyspaceGraph",
        ),
    }

    def check(self, db: MySQL) -> None:
        """Refuses a shard that serves, that a workflow has switched off, or whose range another shard serves."""
        vt = vitess(db)
        if shard_record(vt).get("is_primary_serving"):
            raise Refused(f"The shard record of {vt.address} already says that its primary serves.")
        refuse_moving_workflows(vt, "a Reshard switches the serving of primaries off and on")
        shards = vt.rpc("FindAllShardsInKeyspace", keyspace=vt.keyspace).get("shards") or {}
        for name, each in shards.items():
            serves = (each.get("shard") or {}).get("is_primary_serving")
            if name != vt.shard and serves and overlap(name, vt.shard):
                raise Refused(
                    f"{vt.keyspace}/{name} serves a part of the key range of {vt.address}; both would serve the same "
                    "rows. A Reshard is unfinished: complete or cancel it."
                )

    def change(self, db: MySQL) -> Iterator[Statement]:
        """SetShardIsPrimaryServing, then RebuildKeyspaceGraph, which proves that the shards cover the key range."""
        vt = vitess(db)
        yield self._set(vt, serving=True)
        yield call("RebuildKeyspaceGraph", keyspace=vt.keyspace)

    def cost(self, db: MySQL) -> str:
        """What is rewritten."""
        return f"The serving graph of {vitess(db).keyspace} is rebuilt in all cells from the records of its shards."

    def verify(self, db: MySQL) -> Verification:
        """Succeeds while the shard record says so."""
        vt = vitess(db)
        done = bool(shard_record(vt).get("is_primary_serving"))
        return Verification(
            ok=done, says=f"By the shard record, the primary of {vt.address} {'serves' if done else 'does not serve'}."
        )

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """SetShardIsPrimaryServing with false; the serving graph cannot be rebuilt then, and is not."""
        yield self._set(vitess(db), serving=False)

    def _set(self, vt: Vitess, *, serving: bool) -> Statement:
        return call("SetShardIsPrimaryServing", keyspace=vt.keyspace, shard=vt.shard, is_serving=serving)


def overlap(one: str, other: str) -> bool:
    """Whether two shards have rows in common by their names; a name that is not a key range covers all rows.

    Ends are compared as fractions: `80` and `8000` are the same end (Vitess, key.KeyRange).
    """
    (begin, end), (first, last) = _range(one), _range(other)
    return (not last or begin < last) and (not end or first < end)


def _range(shard: str) -> tuple[str, str]:
    begin, dash, end = shard.lower().partition("-")
    return (begin.rstrip("0"), end.rstrip("0")) if dash else ("", "")
