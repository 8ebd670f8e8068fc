"""Several replicas of the bot; runs by their deadline and events by their kind, found by an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "replicas",
        sa.Column("id", sa.String(60), primary_key=True),
        sa.Column("where", sa.String(120), nullable=False),
        sa.Column("version", sa.String(40), nullable=False),
        sa.Column("started_at", sa.Float, nullable=False),
        sa.Column("beat_at", sa.Float, nullable=False),
    )
    op.create_table(
        "leaders",
        sa.Column("role", sa.String(40), primary_key=True),
        sa.Column("replica", sa.String(60), nullable=False),
        sa.Column("until", sa.Float, nullable=False),
    )
    op.add_column("runs", sa.Column("due_at", sa.Float))
    op.create_index("ix_runs_due", "runs", ["state", "due_at"])
    due = sa.text("wanted != sent")
    op.create_index("ix_messages_due", "messages", ["priority", "put_at"], sqlite_where=due, postgresql_where=due)
    op.create_index("ix_audit_event", "audit", ["event", "seq"])
    if sa.inspect(op.get_bind()).has_table("schema_version"):
        op.drop_table("schema_version")
