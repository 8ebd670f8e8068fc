"""The progress of a keyspace's schema migrations, and which sessions block one that cannot cut over."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace

from actions.contract import Cost, Count, Flavour, Moment, Percent, Refused, Seconds, Unreadable, diagnostic
from actions.metadata_lock_holders import MetadataLockHolder, metadata_lock_holders
from actions.protobuf_json import Record, age, decimal, integer, moment, records, text
from actions.statement_redaction import normalise, redact_error
from actions.vitess_contract import Request, Vitess, alias_of, primaries, runbook_command

PENDING = ("REQUESTED", "QUEUED", "READY")
"""States of migrations that have not started."""
RECENT = 50
"""Migrations of each shard that are read, the latest first, besides all that run."""
LATELY: Seconds = 60.0
"""Age up to which a throttling counts as current."""
UUID = re.compile(r"[0-9a-f]{8}(?:_[0-9a-f]{4}){3}_[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration on one shard."""

    uuid: str
    """The migration's uuid, the same on all shards."""
    shard: str = ""
    table: str = ""
    schema: str = ""
    action: str = ""
    """`alter`, `create` or `drop`."""
    strategy: str = ""
    """The DDL strategy, such as `vitess`."""
    options: str = ""
    """The options of the strategy."""
    status: str = ""
    """REQUESTED, QUEUED, READY, RUNNING, COMPLETE, FAILED or CANCELLED."""
    stage: str = ""
    """Its present step, in Vitess's words."""
    statement: str = ""
    """The DDL, with literals as `?`."""
    progress: Percent = 0.0
    """How far its copy is."""
    eta: Seconds | None = None
    """Estimated time until it is ready; empty if unknown or not running."""
    rows_copied: Count = 0
    """Rows copied so far."""
    table_rows: Count = 0
    """Rows of the table, estimated."""
    ready_to_complete: bool = False
    """Whether it could cut over now."""
    ready_for: Seconds = 0.0
    """Time for which it has been ready; 0 if it is not."""
    postponed: bool = False
    """Whether it waits for a person to launch or complete it."""
    attempts: Count = 0
    """Attempts to cut over."""
    retries: Count = 0
    """Times that it was retried after a failure."""
    message: str = ""
    """Its last error, without the values that it quotes; '' unless it is running or failed, since Vitess keeps old
    ones."""
    throttled_by: str = ""
    """The component that was throttled within the last minute; '' if none was."""
    reason_throttled: str = ""
    """Why it is throttled, in Vitess's words."""
    tablet: str = ""
    """The tablet on which it began."""
    tablet_failure: bool = False
    """Whether it failed because its tablet did, so that a retry may succeed."""
    age: Seconds = 0.0
    """Time since it was requested."""
    running_for: Seconds = 0.0
    """Time since it started; 0 if it is not running."""
    completed_at: Moment = 0.0
    """When it completed, in Unix seconds; 0 if it has not."""
    cleaned_up: bool = False
    """Whether Vitess has dropped the tables that it kept."""
    artifacts: bool = False
    """Whether Vitess keeps tables of it, with which it can be reverted."""
    blocked: bool = False
    """Whether it was ready to cut over, tried, and did not get the lock on its table."""
    holders: tuple[MetadataLockHolder, ...] = ()
    """Sessions that hold a metadata lock on its table, the oldest transaction first; read for blocked migrations
    only."""


@dataclass(frozen=True, slots=True)
class SchemaMigrations:
    """The migrations of a keyspace on each of its shards: running ones first, then the latest."""

    keyspace: str = ""
    migrations: tuple[Migration, ...] = ()
    """The migrations, one for each shard; 200 at most."""
    left_out: Count = 0
    """Migrations beyond the 200 that are listed."""
    missing: tuple[str, ...] = ()
    """What could not be read, one sentence each."""

    @property
    def running(self) -> tuple[Migration, ...]:
        """Migrations that are running."""
        return tuple(one for one in self.migrations if one.status == "RUNNING")

    @property
    def pending(self) -> tuple[Migration, ...]:
        """Migrations that have not started."""
        return tuple(one for one in self.migrations if one.status in PENDING)

    @property
    def failed(self) -> tuple[Migration, ...]:
        """Migrations that failed, the latest first."""
        return tuple(one for one in self.migrations if one.status == "FAILED")

    @property
    def blocked(self) -> tuple[Migration, ...]:
        """Migrations that were ready to cut over, tried, and did not get the lock on their table."""
        return tuple(one for one in self.migrations if one.blocked)

    @property
    def postponed(self) -> tuple[Migration, ...]:
        """Migrations that are ready and wait for a person."""
        return tuple(one for one in self.running if one.postponed and one.ready_to_complete)

    @property
    def throttled(self) -> tuple[Migration, ...]:
        """Running migrations that are throttled."""
        return tuple(one for one in self.running if one.throttled_by)

    @property
    def holders(self) -> tuple[MetadataLockHolder, ...]:
        """Sessions that block the blocked migrations, the oldest transaction first."""
        found = (holder for one in self.blocked for holder in one.holders)
        return tuple(sorted(found, key=lambda holder: -holder.age))

    @property
    def uneven(self) -> tuple[str, ...]:
        """Migrations that are complete on some shards, and failed or were cancelled on others."""
        complete = {one.uuid for one in self.migrations if one.status == "COMPLETE"}
        ended = {one.uuid for one in self.migrations if one.status in ("FAILED", "CANCELLED")}
        return tuple(sorted(complete & ended))


@diagnostic(
    cost=Cost.MEDIUM,
    needs={
        Flavour.VITESS: ("GetSchemaMigrations", "GetTablets", "vtgate SHOW VITESS_MIGRATIONS"),
        Flavour.MYSQL: ("PROCESS", "SELECT ON performance_schema.*"),
    },
)
def schema_migrations(vt: Vitess, *, uuid: str = "") -> SchemaMigrations:
    """Reads the running and the latest migrations of each shard, or only the migration `uuid`.

    For a blocked migration, the sessions that hold a metadata lock on its table are read from the shard primary's MySQL
    server; for a throttled one, the reason is read from vtgate.
    """
    now = time.time()
    missing: list[str] = []
    found = [_migration(record, now) for record in _records(vt, uuid, missing)]
    found.sort(key=lambda one: (one.status != "RUNNING", one.status not in PENDING, one.age, one.uuid, one.shard))
    primary = _primaries(vt, missing) if any(one.blocked for one in found) else {}
    reasons = _reasons(vt, {one.shard for one in found if one.throttled_by}, missing)
    shown = [
        replace(
            one,
            holders=_holders(vt, primary.get(one.shard, ""), one, missing) if one.blocked else (),
            reason_throttled=reasons.get((one.shard, one.uuid), ""),
        )
        for one in found[:200]
    ]
    return SchemaMigrations(vt.keyspace, tuple(shown), max(0, len(found) - 200), tuple(dict.fromkeys(missing)))


def migration_by_uuid(vt: Vitess, uuid: str) -> tuple[Migration, ...]:
    """Returns a migration on each of its shards; raises Refused if the keyspace has none with this uuid."""
    found = schema_migrations(vt, uuid=uuid) if UUID.fullmatch(uuid) else None
    if found is None or not found.migrations:
        listed = runbook_command(vt, "vitess/online-ddl")
        raise Refused(f"{vt.keyspace} has no schema migration {uuid[:60]!r}; {listed} lists its migrations.")
    migrations: tuple[Migration, ...] = found.migrations
    return migrations


def migration_title(migrations: tuple[Migration, ...]) -> str:
    """Returns a migration in a few words with its state on each shard: `alter of customer (-80 RUNNING, 80-
    COMPLETE)`."""
    each_shard = ", ".join(f"{one.shard} {one.status}" for one in migrations)
    return f"{migrations[0].action or 'migration'} of {migrations[0].table} ({each_shard})"


def _records(vt: Vitess, uuid: str, missing: list[str]) -> list[Record]:
    """Returns each migration once for each shard. Raises Unreadable if no call was answered."""
    asked: list[Request] = [{"keyspace": vt.keyspace, "uuid": uuid}]
    if not uuid:
        asked = [
            {"keyspace": vt.keyspace, "order": "DESCENDING", "limit": RECENT},
            {"keyspace": vt.keyspace, "status": "RUNNING"},
        ]
    answers = vt.rpcs("GetSchemaMigrations", asked)
    missing += [f"The migrations of {vt.keyspace} could not be read: {one.error}" for one in answers if not one.ok]
    if not any(one.ok for one in answers):
        raise Unreadable(" ".join(dict.fromkeys(missing)))
    found = [record for one in answers if one.ok for record in records(one.body, "migrations")]
    return list({(text(one, "uuid"), text(one, "shard")): one for one in found}.values())


def _migration(record: Record, now: float) -> Migration:
    status, ready = text(record, "status"), bool(record.get("ready_to_complete"))
    postponed = bool(record.get("postpone_completion")) or bool(record.get("postpone_launch"))
    attempts, eta = integer(record, "cutover_attempts"), integer(record, "eta_seconds")
    held = moment(record, "last_throttled_at") > now - LATELY
    runs = status == "RUNNING"
    return Migration(
        uuid=text(record, "uuid"),
        shard=text(record, "shard"),
        table=text(record, "table"),
        schema=text(record, "schema"),
        action=text(record, "ddl_action"),
        strategy=(text(record, "strategy") or "VITESS").lower(),
        options=text(record, "options")[:200],
        status=status,
        stage=text(record, "stage")[:120],
        statement=normalise(text(record, "migration_statement")),
        progress=round(decimal(record, "progress"), 1),
        eta=float(eta) if runs and eta >= 0 and not ready else None,
        rows_copied=integer(record, "rows_copied"),
        table_rows=integer(record, "table_rows"),
        ready_to_complete=ready,
        ready_for=age(record, "ready_to_complete_at", now) if runs and ready else 0.0,
        postponed=postponed,
        attempts=attempts,
        retries=integer(record, "retries"),
        message=redact_error(text(record, "message"))[:300] if status in ("FAILED", "RUNNING") else "",
        throttled_by=text(record, "component_throttled") if runs and held else "",
        tablet=alias_of(record.get("tablet")),
        tablet_failure=bool(record.get("tablet_failure")),
        age=age(record, "requested_at", now) or age(record, "added_at", now),
        running_for=age(record, "started_at", now) if runs else 0.0,
        completed_at=moment(record, "completed_at"),
        cleaned_up=bool(moment(record, "cleaned_up_at")),
        artifacts=bool(text(record, "artifacts")),
        # The first attempt may be under way at this moment.
        blocked=runs
        and ready
        and not postponed
        and (attempts > 1 or (attempts == 1 and bool(text(record, "message")))),
    )


def _primaries(vt: Vitess, missing: list[str]) -> dict[str, str]:
    try:
        return {shard: tablet.alias for shard, tablet in primaries(vt.tablets(of_keyspace=True)).items()}
    except Unreadable as error:
        missing.append(str(error))
        return {}


def _reasons(vt: Vitess, shards: set[str], missing: list[str]) -> dict[tuple[str, str], str]:
    """Returns why running migrations are throttled, by shard and uuid; the RPC returns only which component is."""
    found: dict[tuple[str, str], str] = {}
    for shard in sorted(shards)[:8]:
        try:
            rows = vt.vtgate("SHOW VITESS_MIGRATIONS LIKE 'running'", use=f"{vt.keyspace}/{shard}")
        except Unreadable as error:
            missing.append(
                f"The reason why migrations of {vt.keyspace}/{shard} are throttled could not be read: {error}"
            )
            continue
        for row in rows:
            found[shard, str(row.get("migration_uuid"))] = text(row, "reason_throttled")[:200]
    return found


def _holders(vt: Vitess, primary: str, migration: Migration, missing: list[str]) -> tuple[MetadataLockHolder, ...]:
    where = f"The sessions that hold {migration.table} of {vt.keyspace}/{migration.shard}"
    if not primary:
        missing.append(f"{where} are unknown, because the shard has no primary.")
        return ()
    try:
        return metadata_lock_holders(vt.mysql_of(primary), primary, migration.schema, migration.table)
    except Unreadable as error:
        missing.append(f"{where} could not be read: {error}")
        return ()
