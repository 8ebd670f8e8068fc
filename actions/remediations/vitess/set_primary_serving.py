"""Says in the record of a shard that its primary serves, where that was left behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Statement, Verification
from actions.vitess_contract import Vitess, call, vitess
from actions.vitess_prechecks import named, shard_record, workflows


@dataclass(frozen=True)
class SetPrimaryServing(Remediation):
    """Calls SetShardIsPrimaryServing with true, and RebuildKeyspaceGraph, which fails while shards leave a gap."""

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
            raise Refused(f"The record of {vt.address} says already that its primary serves.")
        under_way = workflows(vt)
        if under_way:
            raise Refused(
                f"{'; '.join(named(each) for each in under_way[:3])} is there, and a Reshard switches primaries off "
                "and on. Complete, reverse or cancel it; that puts this right, too."
            )
        shards = vt.rpc("FindAllShardsInKeyspace", keyspace=vt.keyspace).get("shards") or {}
        for name, each in shards.items():
            serves = (each.get("shard") or {}).get("is_primary_serving")
            if name != vt.shard and serves and overlap(name, vt.shard):
                raise Refused(
                    f"{vt.keyspace}/{name} serves a part of the range of {vt.address}; both would serve the same rows. "
                    "It is a shard of a Reshard: finish that."
                )

    def change(self, db: MySQL) -> Iterator[Statement]:
        """SetShardIsPrimaryServing, and RebuildKeyspaceGraph, which proves that the shards fit together."""
        vt = vitess(db)
        yield self._set(vt, serving=True)
        yield call("RebuildKeyspaceGraph", keyspace=vt.keyspace)

    def cost(self, db: MySQL) -> str:
        """What it is good for."""
        return (
            f"The serving graph of {vitess(db).keyspace} is written again in all cells, from the records of its shards."
        )

    def verify(self, db: MySQL) -> Verification:
        """Good while the record says so."""
        vt = vitess(db)
        done = bool(shard_record(vt).get("is_primary_serving"))
        return Verification(
            ok=done, says=f"The primary of {vt.address} {'serves' if done else 'does not serve'} by its record."
        )

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """SetShardIsPrimaryServing with false; the graph cannot be rebuilt then, and is not."""
        yield self._set(vitess(db), serving=False)

    def _set(self, vt: Vitess, *, serving: bool) -> Statement:
        return call("SetShardIsPrimaryServing", keyspace=vt.keyspace, shard=vt.shard, is_serving=serving)


def overlap(one: str, other: str) -> bool:
    """Whether two shards have rows in common by their names; one that is no key range has all rows.

    Ends are compared as fractions: `80` and `8000` are the same end (Vitess, key.KeyRange).
    """
    (begin, end), (first, last) = _range(one), _range(other)
    return (not last or begin < last) and (not end or first < end)


def _range(shard: str) -> tuple[str, str]:
    begin, dash, end = shard.lower().partition("-")
    return (begin.rstrip("0"), end.rstrip("0")) if dash else ("", "")
