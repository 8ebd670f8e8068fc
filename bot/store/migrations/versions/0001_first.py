"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("fingerprint", sa.String(16), primary_key=True),
        sa.Column("starts_at", sa.String(40), primary_key=True),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("incident", sa.String(40), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("received_at", sa.Float, nullable=False),
    )
    op.create_index("ix_alerts_incident", "alerts", ["incident"])
    op.create_table(
        "refused_bodies",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("received_at", sa.Float, nullable=False),
        sa.Column("source", sa.String(40), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("incident", sa.String(40), nullable=False),
        sa.Column("incident_key", sa.String(300), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("shard", sa.String(120), nullable=False),
        sa.Column("opened_at", sa.Float, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("ix_runs_incident", "runs", ["incident"])
    op.create_index("ix_runs_incident_key", "runs", ["incident_key"])
    op.create_index("ix_runs_state", "runs", ["state"])
    op.create_index("ix_runs_opened_at", "runs", ["opened_at"])
    op.create_table(
        "decisions",
        sa.Column("run", sa.String(40), primary_key=True),
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("user", sa.String(60), primary_key=True),
        sa.Column("choice", sa.String(10), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_table(
        "intents",
        sa.Column("run", sa.String(40), primary_key=True),
        sa.Column("what", sa.String(20), primary_key=True),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("outcome", sa.Text, nullable=False, server_default=""),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_table(
        "leases",
        sa.Column("shard", sa.String(120), primary_key=True),
        sa.Column("run", sa.String(40), nullable=False),
        sa.Column("token", sa.Integer, nullable=False),
        sa.Column("until", sa.Float, nullable=False),
    )
    op.create_table(
        "halts",
        sa.Column("scope", sa.String(120), primary_key=True),
        sa.Column("by", sa.String(60), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("since", sa.Float, nullable=False),
    )
    op.create_table(
        "messages",
        sa.Column("key", sa.String(80), primary_key=True),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("thread_key", sa.String(80)),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("wanted", sa.String(64), nullable=False),
        sa.Column("sent", sa.String(64), nullable=False, server_default=""),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("ts", sa.String(30)),
        sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
        sa.Column("not_before", sa.Float, nullable=False, server_default="0"),
        sa.Column("error", sa.Text, nullable=False, server_default=""),
        sa.Column("put_at", sa.Float, nullable=False),
    )
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("event", sa.String(60), nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("subject", sa.String(120), nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.UniqueConstraint("hash"),
    )
