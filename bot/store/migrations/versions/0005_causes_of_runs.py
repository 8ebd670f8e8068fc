"""The leading cause of a run, so that earlier runs with the same cause are found."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

PIECE = 200


def upgrade() -> None:
    op.add_column("runs", sa.Column("cause", sa.String(200)))
    op.create_index("ix_runs_cause", "runs", ["shard", "cause", "opened_at"])
    runs = sa.table("runs", sa.column("id"), sa.column("document"), sa.column("cause"))
    connection = op.get_bind()
    last = ""
    while True:
        piece = sa.select(runs.c.id, runs.c.document).where(runs.c.id > last).order_by(runs.c.id).limit(PIECE)
        found = connection.execute(piece).all()
        for row in found:
            cause = _cause(row.document)
            if cause is not None:
                connection.execute(runs.update().where(runs.c.id == row.id).values(cause=cause))
        if len(found) < PIECE:
            return
        last = found[-1].id


def _cause(document: str) -> str | None:
    """Returns runbook and leading cause of a run as any earlier version wrote it; None if no cause led."""
    try:
        run: dict[str, Any] = json.loads(document)
        causes = run.get("causes") or []
        led = next((str(each["id"]) for each in causes if each.get("verdict") == "holds"), None)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return f"{run.get('runbook', '')}:{led}"[:200] if led is not None else None
