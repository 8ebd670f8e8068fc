"""Whether all tablets of a keyspace have the same tables."""

from __future__ import annotations

import re
from dataclasses import dataclass

from actions.contract import Cost, Count, Flavour, diagnostic
from actions.protobuf_json import nested
from actions.statement_redaction import normalise, redact_error
from actions.vitess_contract import Vitess

MOST = 50
_TABLE = re.compile(r"schemas differ on table (?P<what>type for table )?(?P<table>\S+?):\s+(?P<rest>.*)", re.DOTALL)
_PAIR = re.compile(r"(?P<a>\S+): (?P<left>.*?)\s+differs from:\s+(?P<b>\S+): (?P<right>.*)", re.DOTALL)
_EXTRA = re.compile(r"(?P<tablet>\S+) has an extra (?:table|view) named (?P<table>\S+)")


@dataclass(frozen=True, slots=True)
class TableDifference:
    """One table that differs between two tablets."""

    table: str
    """The table; '' if the schemas differ as a whole, or could not be compared."""
    tablet: str = ""
    """The tablet that differs, or that has what the other one lacks."""
    other: str = ""
    """The tablet that it was compared with; '' if the table exists on `tablet` alone."""
    only_here: tuple[str, ...] = ()
    """Lines of its CREATE TABLE that the other tablet lacks; three at most."""
    only_there: tuple[str, ...] = ()
    """Lines of the other tablet's CREATE TABLE that this one lacks; three at most."""
    says: str = ""
    """Vitess's own message, shortened, if none of the other fields applies."""


@dataclass(frozen=True, slots=True)
class SchemaDifferences:
    """The tables that differ between tablets of a keyspace; Vitess leaves out those of schema migrations."""

    keyspace: str = ""
    differences: tuple[TableDifference, ...] = ()
    """The differences; 50 at most."""
    left_out: Count = 0
    """Differences beyond the 50 that are listed."""
    missing: tuple[str, ...] = ()
    """Tables and shards that could not be compared, one sentence each."""

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that differ, each once."""
        return tuple(sorted({one.table for one in self.differences if one.table}))

    @property
    def tablets(self) -> tuple[str, ...]:
        """The tablets between which tables differ, each once."""
        return tuple(sorted({name for one in self.differences for name in (one.tablet, one.other) if name}))


@diagnostic(cost=Cost.MEDIUM, needs={Flavour.VITESS: ("ValidateSchemaKeyspace",)})
def schema_differences(vt: Vitess) -> SchemaDifferences:
    """Compares the tables of each tablet of the keyspace with those of the first shard's primary.

    vtctld compares them (ValidateSchemaKeyspace); every tablet reads its information_schema.
    """
    answer = vt.rpc("ValidateSchemaKeyspace", keyspace=vt.keyspace, skip_no_primary=True)
    said = [str(one) for one in answer.get("results") or ()]
    for shard in nested(answer, "results_by_shard").values():
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


def _difference(said: str) -> TableDifference | None:
    """Returns the difference that a message of Vitess reports; None if the message is about a failed read."""
    extra = _EXTRA.search(said)
    if extra:
        return TableDifference(extra["table"], extra["tablet"], says="the other tablets lack this table")
    table = _TABLE.search(said)
    if table:
        pair = _PAIR.match(table["rest"])
        if pair is None:
            return TableDifference(table["table"], says=normalise(table["rest"])[:200])
        left, right = _lines(pair["left"]), _lines(pair["right"])
        return TableDifference(
            table=table["table"],
            tablet=pair["a"],
            other=pair["b"],
            only_here=tuple(line for line in left if line not in right)[:3],
            only_there=tuple(line for line in right if line not in left)[:3],
        )
    return TableDifference("", says=normalise(said)[:200]) if "schemas are different" in said else None


def _lines(create: str) -> list[str]:
    """Returns the lines of a CREATE TABLE without AUTO_INCREMENT, which may differ."""
    found = [line.strip().rstrip(",") for line in re.sub(r" AUTO_INCREMENT=\d+", "", create).splitlines()]
    return [line if len(line) <= 160 else line[:159] + "…" for line in found if line]
