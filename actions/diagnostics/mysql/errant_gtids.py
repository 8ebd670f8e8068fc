"""Which transactions replicas have that their primary lacks."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Cost, Count, Flavour, MySQL, diagnostic
from actions.diagnostics.mysql.gtid_sets import GtidSets
from actions.gtid_set_parser import count_gtids, last_sequences, parse_gtid_set

SHOWN = 500


@dataclass(frozen=True, slots=True)
class ErrantReplica:
    """One replica with errant transactions."""

    address: str
    """`host:port` of the replica."""
    gtids: str
    """The transactions that the primary lacks; 500 characters at most."""
    transactions: Count
    """How many there are; in MariaDB at least this many, because a position is not a count."""
    own: bool
    """Whether all of them were made on this replica, rather than by a former primary."""


@dataclass(frozen=True, slots=True)
class ErrantGtids:
    """The replicas with errant transactions, compared with the target."""

    known: bool = False
    """False if the servers do not use GTIDs."""
    compared: Count = 0
    """Replicas that were compared."""
    members: tuple[ErrantReplica, ...] = ()
    """Replicas with errant transactions."""


@diagnostic(cost=Cost.LOW, needs={Flavour.MYSQL: (), Flavour.MARIADB: ()})
def errant_gtids(db: MySQL, *, replicas: tuple[GtidSets, ...]) -> ErrantGtids:
    """Subtracts the primary's GTID set from those of its replicas.

    `replicas` must have been read before: a transaction that a replica had then, and that the primary lacks now, did
    not come from the primary. MySQL subtracts the sets itself (GTID_SUBTRACT); MariaDB has no such function, so its
    states are compared here.
    """
    if not replicas or not all(each.enabled for each in replicas):
        return ErrantGtids(compared=len(replicas))
    compare = _of_mariadb if db.version.is_mariadb else _of_mysql
    found = [compare(db, each) for each in replicas]
    return ErrantGtids(True, len(replicas), tuple(each for each in found if each is not None))


def _of_mysql(db: MySQL, replica: GtidSets) -> ErrantReplica | None:
    asked = "SELECT GTID_SUBTRACT(%s, @@GLOBAL.gtid_executed) AS errant"
    errant = str(db.rows(asked, (replica.executed,))[0]["errant"] or "").replace("\n", "")
    if not errant:
        return None
    own = all(each.source.startswith(replica.server) for each in parse_gtid_set(errant))
    return ErrantReplica(replica.address, errant[:SHOWN], count_gtids(errant), own)


def _of_mariadb(db: MySQL, replica: GtidSets) -> ErrantReplica | None:
    has = last_sequences(str(db.rows("SELECT @@GLOBAL.gtid_binlog_state AS state")[0]["state"] or ""))
    errant = {
        (domain, server): sequence
        for (domain, server), sequence in last_sequences(replica.executed).items()
        if has.get((domain, server), 0) < sequence
    }
    if not errant:
        return None
    named = ",".join(f"{domain}-{server}-{sequence}" for (domain, server), sequence in sorted(errant.items()))
    own = all(server == replica.server for _, server in errant)
    return ErrantReplica(replica.address, named[:SHOWN], len(errant), own)
