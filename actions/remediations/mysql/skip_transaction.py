"""Skips the transaction on which the applier failed, by committing an empty one in its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import (
    DIAGNOSE_AGAIN,
    Flavour,
    Grants,
    MySQL,
    NoUndo,
    Refused,
    Remediation,
    Risk,
    Statement,
    Verification,
)
from actions.replication_channels import ReplicaStatus
from actions.replication_threads import status_of_channel, thread_statement
from actions.sql_quoting import statement

SKIPPABLE = {
    1007: "the database already exists",
    1008: "the database does not exist",
    1032: "row not found",
    1050: "the table already exists",
    1051: "the table does not exist",
    1062: "the row already exists",
    1396: "the user already exists, or does not exist",
}
"""Errors that mean that the replica already has, or lacks, a row or an object; any other error means more than one lost
step."""
FAILED = """
SELECT LAST_ERROR_MESSAGE AS error, APPLYING_TRANSACTION AS applying
  FROM performance_schema.replication_applier_status_by_worker
 WHERE CHANNEL_NAME = %s AND LAST_ERROR_NUMBER = %s ORDER BY LAST_ERROR_TIMESTAMP LIMIT 1
"""
_GTID = re.compile(r"transaction '([0-9a-fA-F-]{36}(?::\w+)?:\d+)'")


@dataclass(frozen=True)
class SkipTransaction(Remediation):
    """Commits an empty transaction instead of the failing one, and starts the applier.

    The replica's data stay different from the source's.
    """

    errno: int
    """The error that was seen, so that no other error is skipped in its place."""
    channel: str = ""
    """The channel, which MariaDB calls the connection; '' for the default channel, or the only one of the server."""

    risk: ClassVar[Risk] = Risk.DESTRUCTIVE
    under_vitess: ClassVar[str] = (
        "VTOrc keeps restarting a failed applier, so its error comes and goes, and a tablet with different data must "
        "not be promoted. Drain it (vtctldclient ChangeTabletType ALIAS DRAINED), and restore it from a backup."
    )
    settles_within: ClassVar[float] = 15.0
    holds_for: ClassVar[float] = 1.0
    needs: ClassVar[Grants] = {
        Flavour.MYSQL: (
            "REPLICATION CLIENT",
            "SELECT ON performance_schema.*",
            "REPLICATION_SLAVE_ADMIN",
            "SYSTEM_VARIABLES_ADMIN",
        ),
        Flavour.MARIADB: ("SLAVE MONITOR", "REPLICATION SLAVE ADMIN"),
    }

    def check(self, db: MySQL) -> None:
        """Refuses an applier that runs or failed with another error, and errors that are not skippable."""
        status = status_of_channel(db, self.channel)
        if self.errno not in SKIPPABLE:
            raise Refused(
                f"Error {self.errno} does not mean that the change is already applied; skipping it would lose data. "
                f"Skippable errors: {', '.join(map(str, SKIPPABLE))}."
            )
        if status.applier_running == "Yes" or status.applier_errno != self.errno:
            raise Refused(
                f"The applier{status.of_channel} of {db.address} did not stop with error {self.errno} (running: "
                f"{status.applier_running}, error {status.applier_errno}). {DIAGNOSE_AGAIN}"
            )
        if not db.version.is_mariadb:
            self._gtid(db, status)

    def change(self, db: MySQL) -> Iterator[Statement]:
        """An empty transaction with the failing GTID, as the worker's error names it; in MariaDB the skip counter.

        The skip counter belongs to the connection that default_master_connection names in the session (MariaDB manual,
        SET GLOBAL sql_slave_skip_counter).
        """
        status = status_of_channel(db, self.channel)
        if db.version.is_mariadb:
            if status.channel:
                yield statement("SET SESSION default_master_connection = {}", status.channel)
            yield statement("SET GLOBAL sql_slave_skip_counter = {}", 1)
        else:
            yield statement("SET GTID_NEXT = {}", self._gtid(db, status))
            yield statement("BEGIN")
            yield statement("COMMIT")
            yield statement("SET GTID_NEXT = {}", "AUTOMATIC")
        yield thread_statement("START", "applier", status, db.version)

    def cost(self, db: MySQL) -> str:
        """What is lost."""
        return (
            f"{db.address} never gets the changes of this transaction: compare its tables with the source afterwards, "
            "and rebuild it if they differ."
        )

    def verify(self, db: MySQL) -> Verification:
        """Succeeds while the applier runs. Another error means that more is missing, and nothing more is skipped."""
        status = status_of_channel(db, self.channel)
        what = f"The applier{status.of_channel} of {db.address}"
        if status.applier_running == "Yes":
            return Verification(ok=True, says=f"{what} is running; compare its tables with the source.")
        if status.applier_errno:
            says = f"{what} stopped again: error {status.applier_errno} ({status.applier_error})."
            return Verification(ok=False, says=f"{says} The replica differs in more than one place; rebuild it.")
        return Verification(ok=False, says=f"{what} is not running yet.", settled=False)

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """None: a skipped transaction counts as executed for good."""
        raise NoUndo("a skipped transaction counts as executed; only a rebuild restores its data")

    def _gtid(self, db: MySQL, status: ReplicaStatus) -> str:
        """Returns the failing GTID, as the worker's own error names it; never one that somebody typed."""
        rows = db.rows(FAILED, (status.channel, self.errno))
        told = str(rows[0]["applying"] or "") if rows else ""
        found = _GTID.search(str(rows[0]["error"])) if rows else None
        gtid = found[1] if found else told
        if not gtid or gtid == "ANONYMOUS":
            raise Refused(f"{db.address} does not report the GTID of the failing transaction; skip it by hand.")
        return gtid
