"""Ends a distributed transaction that was left half way, by taking it back."""

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
from actions.diagnostics.vitess.unresolved_transactions import Distributed, distributed, unresolved_transactions
from actions.protobuf_json import each, inner, text
from actions.vitess_contract import Vitess, call, vitess

DTID = re.compile(r"[A-Za-z0-9_]{1,64}:[0-9a-f-]{1,64}:\d{1,20}")
OLD: Seconds = 300.0
"""Younger ones may still be under way: a client's commit, or a vtgate that resolves it."""


@dataclass(frozen=True)
class ConcludeTransaction(Remediation):
    """Rolls back what each shard has prepared of one distributed transaction, and forgets it.

    Vitess does it whatever was decided, so one that is to be committed is refused: it would be half a transaction.
    """

    dtid: str
    """`keyspace:shard:number`, as vitess.unresolved_transactions tells it."""

    risk: ClassVar[Risk] = Risk.DESTRUCTIVE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = {
        Flavour.VITESS: (
            "GetTablets", "GetTransactionInfo", "GetUnresolvedTransactions", "vttablet /twopcz", "ConcludeTransaction",
        )
    }  # fmt: skip
    settles_within: ClassVar[Seconds] = 20.0

    def check(self, db: MySQL) -> None:
        """Refuses a transaction that is unknown, young, to be committed, or of which a shard does not tell."""
        self._undecided(vitess(db))

    def change(self, db: MySQL) -> Iterator[Statement]:
        """ConcludeTransaction."""
        self._undecided(vitess(db))
        yield call("ConcludeTransaction", dtid=self.dtid)

    def cost(self, db: MySQL) -> str:
        """That it is a rollback, where, and what was decided."""
        vt = vitess(db)
        found = self._undecided(vt)
        return (
            f"Rollback of {self.dtid} on {', '.join(found.participants) or vt.keyspace}: its state is {found.state}, "
            "so nothing of it was committed and its client was not told so. Its locks are free afterwards; what it "
            "wrote is lost."
        )

    def verify(self, db: MySQL) -> Verification:
        """Good once no shard knows the transaction or a share of it any more."""
        found = unresolved_transactions(vitess(db), older_than=0.0)
        if found.missing:
            return Verification(
                ok=False, says=f"Whether {self.dtid} is gone is not known: {found.missing[0]}", settled=False
            )
        shards = [one.shard for one in found.prepared if one.dtid == self.dtid]
        if shards or any(one.dtid == self.dtid for one in found.transactions):
            where = f", prepared on {', '.join(shards)}" if shards else ""
            says = f"{self.dtid} is still there{where}."
            return Verification(ok=False, says=says, settled=False)
        return Verification(ok=True, says=f"No shard of {found.keyspace} knows {self.dtid} any more.")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """A transaction that is rolled back does not come back."""
        raise NoUndo("a transaction that is rolled back does not come back")

    def _undecided(self, vt: Vitess) -> Distributed:
        if not DTID.fullmatch(self.dtid) or not self.dtid.startswith(f"{vt.keyspace}:"):
            raise Refused(f"{self.dtid[:80]!r} is no distributed transaction of {vt.keyspace}.")
        answer = vt.rpc("GetTransactionInfo", dtid=self.dtid)
        found = distributed(inner(answer, "metadata"), time.time())
        if not found.dtid:
            raise Refused(f"No shard of {vt.keyspace} knows {self.dtid}: it is concluded, or never was.")
        if found.state == "COMMIT":
            raise Refused(
                f"{self.dtid} is decided: it is committed on {found.shard} and must be committed on "
                f"{', '.join(found.participants)}. To conclude it would take that back there. Vitess commits it by "
                "itself while a vtgate runs and the primaries serve; see why one does not."
            )
        if found.state == "UNKNOWN":
            raise Refused(f"What was decided of {self.dtid} is not known; look at vitess.unresolved_transactions.")
        if found.age < OLD:
            raise Refused(
                f"{self.dtid} is {found.age:.0f} s old and may still be under way; before {OLD:.0f} s it is left to "
                "its client and to Vitess."
            )
        failed = [
            text(one, "shard") for one in each(answer, "shard_states") if text(one, "state") not in ("", "PREPARED")
        ]
        if failed:
            raise Refused(
                f"The share of {self.dtid} on {failed[0]} failed after it was prepared; compare its rows with the "
                "other shards before anything is forgotten."
            )
        return found
