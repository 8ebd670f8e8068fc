"""The tables, in SQLAlchemy Core. DBOS keeps its own beside them in the same database.

A change here takes a step in migrations/versions; a test holds the two against each other.
"""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, MetaData, String, Table, Text, UniqueConstraint

metadata = MetaData()

alerts = Table(
    "alerts",
    metadata,
    Column("fingerprint", String(16), primary_key=True),
    Column("starts_at", String(40), primary_key=True),
    Column("status", String(10), nullable=False),
    Column("incident", String(40), nullable=False, index=True),
    Column("document", Text, nullable=False),
    Column("received_at", Float, nullable=False),
    # None for what came before this was kept.
    Column("run", String(40)),
)

refused_bodies = Table(
    "refused_bodies",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("received_at", Float, nullable=False),
    Column("source", String(40), nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("incident", String(40), nullable=False, index=True),
    Column("incident_key", String(300), nullable=False, index=True),
    Column("state", String(12), nullable=False, index=True),
    Column("shard", String(120), nullable=False),
    Column("opened_at", Float, nullable=False, index=True),
    Column("document", Text, nullable=False),
    Column("due_at", Float),
    # The runbook and the leading cause; None if no cause leads.
    Column("cause", String(200)),
    Index("ix_runs_due", "state", "due_at"),
    Index("ix_runs_cause", "shard", "cause", "opened_at"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("run", String(40), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("user", String(60), primary_key=True),
    Column("choice", String(10), nullable=False),
    Column("at", Float, nullable=False),
)

intents = Table(
    "intents",
    metadata,
    Column("run", String(40), primary_key=True),
    Column("what", String(20), primary_key=True),
    Column("state", String(10), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("outcome", Text, nullable=False, server_default=""),
    Column("at", Float, nullable=False),
)

changes = Table(
    "changes",
    metadata,
    Column("run", String(40), primary_key=True),
    Column("what", String(20), primary_key=True),
    Column("shard", String(120), nullable=False),
    Column("action", String(80), nullable=False),
    Column("at", Float, nullable=False, index=True),
)

acknowledgements = Table(
    "acknowledgements",
    metadata,
    Column("shard", String(120), primary_key=True),
    Column("by", String(60), nullable=False),
    Column("at", Float, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("shard", String(120), primary_key=True),
    Column("run", String(40), nullable=False),
    Column("token", Integer, nullable=False),
    Column("until", Float, nullable=False),
)

halts = Table(
    "halts",
    metadata,
    Column("scope", String(120), primary_key=True),
    Column("by", String(60), nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", Float, nullable=False),
)

messages = Table(
    "messages",
    metadata,
    Column("key", String(80), primary_key=True),
    Column("channel", String(40), nullable=False),
    Column("thread_key", String(80)),
    Column("priority", Integer, nullable=False),
    Column("payload", Text, nullable=False),
    Column("wanted", String(64), nullable=False),
    Column("sent", String(64), nullable=False, server_default=""),
    Column("state", String(10), nullable=False),
    Column("ts", String(30)),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("not_before", Float, nullable=False, server_default="0"),
    Column("error", Text, nullable=False, server_default=""),
    Column("put_at", Float, nullable=False),
)
_DUE = messages.c.wanted != messages.c.sent
Index("ix_messages_due", messages.c.priority, messages.c.put_at, sqlite_where=_DUE, postgresql_where=_DUE)

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String(40), nullable=False),
    Column("event", String(60), nullable=False),
    Column("actor", String(80), nullable=False),
    Column("subject", String(120), nullable=False),
    Column("data", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    UniqueConstraint("hash"),
    Index("ix_audit_event", "event", "seq"),
)

replicas = Table(
    "replicas",
    metadata,
    Column("id", String(60), primary_key=True),
    Column("where", String(120), nullable=False),
    Column("version", String(40), nullable=False),
    Column("started_at", Float, nullable=False),
    Column("beat_at", Float, nullable=False),
)

leaders = Table(
    "leaders",
    metadata,
    Column("role", String(40), primary_key=True),
    Column("replica", String(60), nullable=False),
    Column("until", Float, nullable=False),
)
