"""Whether all tablets of a keyspace have the same tables."""

from __future__ import annotations

import re
from dataclasses import dataclass

from actions.contract import Cost, Count, Flavour, diagnostic
from actions.protobuf_json import inner
from actions.redaction import normalise, redact_error
from actions.vitess_contract import Vitess

MOST = 50
_TABLE = re.compile(r"schemas differ on table (?P<what>type for table )?(?P<table>\S+?):\s+(?P<rest>.*)", re.DOTALL)
_PAIR = re.compile(r"(?P<a>\S+): (?P<left>.*?)\s+differs from:\s+(?P<b>\S+): (?P<right>.*)", re.DOTALL)
_EXTRA = re.compile(r"(?P<tablet>\S+) has an extra (?:table|view) named (?P<table>\S+)")


@dataclass(frozen=True, slots=True)
class Difference:
    """One table that is not the same on two tablets."""

    table: str
    """'' where the schemas differ as a whole, or could not be compared."""
    tablet: str = ""
    """That differs, or has what the other one lacks."""
    other: str = ""
    """With which it was compared; '' where the table is on `tablet` alone."""
    only_here: tuple[str, ...] = ()
    """Lines of its CREATE TABLE that the other one does not have, three at most."""
    only_there: tuple[str, ...] = ()
    says: str = ""
    """What Vitess says of it, in short, where none of the above fits."""


@dataclass(frozen=True, slots=True)
class SchemaDifferences:
    """The tables that differ between tablets of a keyspace; the tables of schema migrations are left out by Vitess."""

    keyspace: str = ""
    differences: tuple[Difference, ...] = ()
    left_out: Count = 0
    """Differences above 50 that are not listed."""
    missing: tuple[str, ...] = ()
    """Tablets and shards that could not be compared, a sentence each."""

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables that differ, each once."""
        return tuple(sorted({one.table for one in self.differences if one.table}))

    @property
    def tablets(self) -> tuple[str, ...]:
        """Tablets that take part in a difference."""
        return tuple(sorted({name for one in self.differences for name in (one.tablet, one.other) if name}))


@diagnostic(cost=Cost.MEDIUM, needs={Flavour.VITESS: ("ValidateSchemaKeyspace",)})
def schema_differences(vt: Vitess) -> SchemaDifferences:
    """Lets vtctld compare the tables of all tablets of the keyspace, each with the primary of the first shard.

    Each tablet reads its information_schema for it.
    """
    answer = vt.rpc("ValidateSchemaKeyspace", keyspace=vt.keyspace, skip_no_primary=True)
    said = [str(one) for one in answer.get("results") or ()]
    for shard in inner(answer, "results_by_shard").values():
        said += [str(one) for one in (shard or {}).get("results") or ()]
    found, missing = [], []
    for one in dict.fromkeys(said):
        difference = _difference(one)
        if difference is None:
            missing.append(redact_error(one)[:200])
        else:
            found.append(difference)
    found = list(dict.fromkeys(found))
    return SchemaDifferences(
        keyspace=vt.keyspace,
        differences=tuple(found[:MOST]),
        left_out=max(0, len(found) - MOST),
        missing=tuple(missing[:20]),
    )


def _difference(said: str) -> Difference | None:
    """The difference in a sentence of Vitess; None where it tells of no difference, but of what could not be read."""
    extra = _EXTRA.search(said)
    if extra:
        return Difference(extra["table"], extra["tablet"], says="the other tablets do not have it")
    table = _TABLE.search(said)
    if table:
        pair = _PAIR.match(table["rest"])
        if pair is None:
            return Difference(table["table"], says=normalise(table["rest"])[:200])
        left, right = _lines(pair["left"]), _lines(pair["right"])
        return Difference(
            table=table["table"],
            tablet=pair["a"],
            other=pair["b"],
            only_here=tuple(line for line in left if line not in right)[:3],
            only_there=tuple(line for line in right if line not in left)[:3],
        )
    return Difference("", says=normalise(said)[:200]) if "schemas are different" in said else None


def _lines(create: str) -> list[str]:
    """The lines of a CREATE TABLE, whose last one may differ in AUTO_INCREMENT alone."""
    found = [line.strip().rstrip(",") for line in re.sub(r" AUTO_INCREMENT=\d+", "", create).splitlines()]
    return [line if len(line) <= 160 else line[:159] + "…" for line in found if line]
