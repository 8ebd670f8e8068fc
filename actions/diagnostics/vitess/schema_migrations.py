"""How the schema migrations of a keyspace go, and what holds up one that cannot cut over."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace

from actions.contract import Cost, Count, Flavour, Moment, Percent, Refused, Seconds, Unreadable, diagnostic
from actions.metadata_lock_holders import Holder, holders
from actions.protobuf_json import Record, age, decimal, each, moment, text, whole
from actions.redaction import normalise, redact_error
from actions.vitess_contract import Request, Vitess, alias_of, primaries

PENDING = ("REQUESTED", "QUEUED", "READY")
RECENT = 50
"""Migrations of each shard that are looked at, the latest first, besides all that run."""
LATELY: Seconds = 60.0
UUID = re.compile(r"[0-9a-f]{8}(?:_[0-9a-f]{4}){3}_[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration on one shard."""

    uuid: str
    shard: str = ""
    table: str = ""
    schema: str = ""
    action: str = ""
    """`alter`, `create`, `drop`."""
    strategy: str = ""
    options: str = ""
    status: str = ""
    """REQUESTED, QUEUED, READY, RUNNING, COMPLETE, FAILED or CANCELLED."""
    stage: str = ""
    """What it does just now, in the words of Vitess."""
    statement: str = ""
    """Literals as `?`."""
    progress: Percent = 0.0
    eta: Seconds | None = None
    rows_copied: Count = 0
    table_rows: Count = 0
    """An estimate."""
    ready_to_complete: bool = False
    ready_for: Seconds = 0.0
    """Since it could have cut over; 0 where it is not ready."""
    postponed: bool = False
    """Whether it waits for a person to complete it, or to launch it."""
    attempts: Count = 0
    """To cut over."""
    retries: Count = 0
    message: str = ""
    """Of the last error, without the values that it quotes; '' unless it runs or failed, as Vitess keeps old ones."""
    throttled_by: str = ""
    """The component that waits for the throttler, where that was within a minute; '' for none."""
    reason_throttled: str = ""
    tablet: str = ""
    """On which it was begun."""
    tablet_failure: bool = False
    """Whether it failed because its tablet did, so that it may be tried again."""
    age: Seconds = 0.0
    """Since it was asked for."""
    running_for: Seconds = 0.0
    completed_at: Moment = 0.0
    """Unix time in seconds; 0 where it is not."""
    cleaned_up: bool = False
    artifacts: bool = False
    """Whether tables of it are kept, by which it can be reverted."""
    blocked: bool = False
    """Whether it could cut over, tried, and did not get the lock on its table."""
    holders: tuple[Holder, ...] = ()
    """Sessions that hold a metadata lock on its table, the oldest transaction first; read for what is blocked."""


@dataclass(frozen=True, slots=True)
class SchemaMigrations:
    """The migrations of a keyspace on each of its shards: those that run, then the latest."""

    keyspace: str = ""
    migrations: tuple[Migration, ...] = ()
    left_out: Count = 0
    """Migrations above 200 that are not listed."""
    missing: tuple[str, ...] = ()

    @property
    def running(self) -> tuple[Migration, ...]:
        """Those under way."""
        return tuple(one for one in self.migrations if one.status == "RUNNING")

    @property
    def pending(self) -> tuple[Migration, ...]:
        """Those that wait for their turn."""
        return tuple(one for one in self.migrations if one.status in PENDING)

    @property
    def failed(self) -> tuple[Migration, ...]:
        """Those that failed, the latest first."""
        return tuple(one for one in self.migrations if one.status == "FAILED")

    @property
    def blocked(self) -> tuple[Migration, ...]:
        """Those that could cut over, tried, and did not."""
        return tuple(one for one in self.migrations if one.blocked)

    @property
    def postponed(self) -> tuple[Migration, ...]:
        """Those that are ready, and wait for a person."""
        return tuple(one for one in self.running if one.postponed and one.ready_to_complete)

    @property
    def throttled(self) -> tuple[Migration, ...]:
        """Running ones that wait for the throttler."""
        return tuple(one for one in self.running if one.throttled_by)

    @property
    def holders(self) -> tuple[Holder, ...]:
        """Who holds up those that are blocked, the oldest transaction first."""
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
    """Reads the migrations that run and the latest of each shard, or those of `uuid` alone.

    For one that is blocked, the sessions that hold a metadata lock on its table are read beneath that shard's primary;
    for one that is throttled, vtgate is asked why. Raises Unreadable.
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


def of_uuid(vt: Vitess, uuid: str) -> tuple[Migration, ...]:
    """A migration on each of its shards; raises Refused where the keyspace has none of this uuid."""
    found = schema_migrations(vt, uuid=uuid) if UUID.fullmatch(uuid) else None
    if found is None or not found.migrations:
        raise Refused(f"{vt.keyspace} has no schema migration {uuid[:60]!r}; see vitess.schema_migrations.")
    migrations: tuple[Migration, ...] = found.migrations
    return migrations


def told(migrations: tuple[Migration, ...]) -> str:
    """A migration in a few words, with what it is on each shard: `alter of customer (-80 RUNNING, 80- COMPLETE)`."""
    each_shard = ", ".join(f"{one.shard} {one.status}" for one in migrations)
    return f"{migrations[0].action or 'migration'} of {migrations[0].table} ({each_shard})"


def _records(vt: Vitess, uuid: str, missing: list[str]) -> list[Record]:
    """The migrations, each once on each shard. Raises Unreadable where no call was answered."""
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
    found = [record for one in answers if one.ok for record in each(one.body, "migrations")]
    return list({(text(one, "uuid"), text(one, "shard")): one for one in found}.values())


def _migration(record: Record, now: float) -> Migration:
    status, ready = text(record, "status"), bool(record.get("ready_to_complete"))
    postponed = bool(record.get("postpone_completion")) or bool(record.get("postpone_launch"))
    attempts, eta = whole(record, "cutover_attempts"), whole(record, "eta_seconds")
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
        rows_copied=whole(record, "rows_copied"),
        table_rows=whole(record, "table_rows"),
        ready_to_complete=ready,
        ready_for=age(record, "ready_to_complete_at", now) if runs and ready else 0.0,
        postponed=postponed,
        attempts=attempts,
        retries=whole(record, "retries"),
        message=redact_error(text(record, "message"))[:300] if status in ("FAILED", "RUNNING") else "",
        throttled_by=text(record, "component_throttled") if runs and held else "",
        tablet=alias_of(record.get("tablet")),
        tablet_failure=bool(record.get("tablet_failure")),
        age=age(record, "requested_at", now) or age(record, "added_at", now),
        running_for=age(record, "started_at", now) if runs else 0.0,
        completed_at=moment(record, "completed_at"),
        cleaned_up=bool(moment(record, "cleaned_up_at")),
        artifacts=bool(text(record, "artifacts")),
        # The first attempt may be under way just now.
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
    """Why running migrations are throttled, by shard and uuid; the RPC tells only which component is."""
    found: dict[tuple[str, str], str] = {}
    for shard in sorted(shards)[:8]:
        try:
            rows = vt.vtgate("SHOW VITESS_MIGRATIONS LIKE 'running'", use=f"{vt.keyspace}/{shard}")
        except Unreadable as error:
            missing.append(f"Why migrations of {vt.keyspace}/{shard} are throttled could not be read: {error}")
            continue
        for row in rows:
            found[shard, str(row.get("migration_uuid"))] = text(row, "reason_throttled")[:200]
    return found


def _holders(vt: Vitess, primary: str, migration: Migration, missing: list[str]) -> tuple[Holder, ...]:
    where = f"Who holds {migration.table} of {vt.keyspace}/{migration.shard}"
    if not primary:
        missing.append(f"{where} is not known, as the shard has no primary.")
        return ()
    try:
        return holders(vt.beneath(primary), primary, migration.schema, migration.table)
    except Unreadable as error:
        missing.append(f"{where} could not be read: {error}")
        return ()
