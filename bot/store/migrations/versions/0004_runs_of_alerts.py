"""The run that answers an alert: one incident may have several."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("alerts", sa.Column("run", sa.String(40)))
