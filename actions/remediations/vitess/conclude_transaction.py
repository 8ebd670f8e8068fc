"""Ends an unresolved distributed transaction by rolling it back."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import (
    Flavour,
    Grants,
    MySQL,
    NoUndo,
    Refused,
    Remediation,
    Risk,
    Seconds,
    Statement,
    Verification,
)
from actions.diagnostics.vitess.unresolved_transactions import (
    DistributedTransaction,
    transaction_from_record,
    unresolved_transactions,
)
from actions.protobuf_json import nested, records, text
from actions.vitess_contract import Vitess, call, runbook_command, vitess

DTID = re.compile(r"[A-Za-z0-9_]{1,64}:[0-9a-f-]{1,64}:\d{1,20}")
OLD: Seconds = 300.0
"""Younger transactions may still be under way: a client's commit, or a vtgate that resolves them."""


@dataclass(frozen=True)
class ConcludeTransaction(Remediation):
    """Rolls back what each shard has prepared of one distributed transaction, and removes its record.

    Vitess does so whatever was decided. A transaction that is decided to commit is therefore refused: it would be half
    committed.
    """

    dtid: str
    """`keyspace:shard:number`, as vitess.unresolved_transactions returns it."""

    risk: ClassVar[Risk] = Risk.DESTRUCTIVE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = {
        Flavour.VITESS: (
            "GetTablets", "GetTransactionInfo", "GetUnresolvedTransactions", "vttablet /twopcz", "ConcludeTransaction",
        )
    }  # fmt: skip
    settles_within: ClassVar[Seconds] = 20.0

    def check(self, db: MySQL) -> None:
        """Refuses a transaction that is unknown, younger than 300 s or decided to commit, and one whose state a shard
        does not report."""
        self._undecided(vitess(db))

    def change(self, db: MySQL) -> Iterator[Statement]:
        """ConcludeTransaction."""
        self._undecided(vitess(db))
        yield call("ConcludeTransaction", dtid=self.dtid)

    def cost(self, db: MySQL) -> str:
        """What is rolled back, where, and what was decided."""
        vt = vitess(db)
        found = self._undecided(vt)
        return (
            f"{self.dtid} is rolled back on {', '.join(found.participants) or vt.keyspace}. Its state is "
            f"{found.state}: no shard has committed it, and its client was not told that it committed. Its locks are "
            "released, and its writes are lost."
        )

    def verify(self, db: MySQL) -> Verification:
        """Succeeds once no shard has the transaction or a prepared part of it."""
        found = unresolved_transactions(vitess(db), older_than=0.0)
        if found.missing:
            return Verification(
                ok=False, says=f"Whether {self.dtid} has ended is unknown: {found.missing[0]}", settled=False
            )
        shards = [one.shard for one in found.prepared if one.dtid == self.dtid]
        if shards or any(one.dtid == self.dtid for one in found.transactions):
            where = f", prepared on {', '.join(shards)}" if shards else ""
            says = f"{self.dtid} still exists{where}."
            return Verification(ok=False, says=says, settled=False)
        return Verification(ok=True, says=f"No shard of {found.keyspace} has {self.dtid}.")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """None: a rolled-back transaction cannot be restored."""
        raise NoUndo("a rolled-back transaction cannot be restored")

    def _undecided(self, vt: Vitess) -> DistributedTransaction:
        if not DTID.fullmatch(self.dtid) or not self.dtid.startswith(f"{vt.keyspace}:"):
            raise Refused(
                f"{self.dtid[:80]!r} is not the id of a distributed transaction in {vt.keyspace}; "
                f"{runbook_command(vt, 'vitess/unresolved-transactions')} lists those that are unresolved."
            )
        answer = vt.rpc("GetTransactionInfo", dtid=self.dtid)
        found = transaction_from_record(nested(answer, "metadata"), time.time())
        if not found.dtid:
            raise Refused(f"No shard of {vt.keyspace} has {self.dtid}: it was concluded, or it never existed.")
        if found.state == "COMMIT":
            raise Refused(
                f"{self.dtid} is decided to commit: {found.shard} has committed it, and "
                f"{', '.join(found.participants)} must commit it, too. Concluding it would roll it back there. Vitess "
                "commits it automatically as long as a vtgate is running and all primaries serve. Find out which of "
                "these is not the case."
            )
        if found.state == "UNKNOWN":
            raise Refused(
                f"It is unknown whether {self.dtid} was decided to commit. Continue with "
                f"{runbook_command(vt, 'vitess/unresolved-transactions')}."
            )
        if found.age < OLD:
            raise Refused(
                f"{self.dtid} is {found.age:.0f} s old and may still be under way; its client and Vitess have "
                f"{OLD:.0f} s to end it. Wait until then."
            )
        failed = [
            text(one, "shard") for one in records(answer, "shard_states") if text(one, "state") not in ("", "PREPARED")
        ]
        if failed:
            raise Refused(
                f"The part of {self.dtid} on {failed[0]} failed after it was prepared. Compare its rows with those of "
                "the other shards before you conclude it."
            )
        return found
