"""What the policy counts: the changes that were begun, and who looked at a shard last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # Stores from before Alembic got these tables without a step of their own.
    known = sa.inspect(op.get_bind()).get_table_names()
    if "changes" not in known:
        op.create_table(
            "changes",
            sa.Column("run", sa.String(40), primary_key=True),
            sa.Column("what", sa.String(20), primary_key=True),
            sa.Column("shard", sa.String(120), nullable=False),
            sa.Column("action", sa.String(80), nullable=False),
            sa.Column("at", sa.Float, nullable=False),
        )
        op.create_index("ix_changes_at", "changes", ["at"])
    if "acknowledgements" not in known:
        op.create_table(
            "acknowledgements",
            sa.Column("shard", sa.String(120), primary_key=True),
            sa.Column("by", sa.String(60), nullable=False),
            sa.Column("at", sa.Float, nullable=False),
        )
