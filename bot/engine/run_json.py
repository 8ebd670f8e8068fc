"""A plan, its effect, and what earlier runs found, as JSON with the keys that docs/cli.md documents. Pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bot.engine.plan import Plan
from bot.engine.run import Effect
from bot.incidents.seen_before import SeenBefore


def plan_as_json(plan: Plan) -> dict[str, Any]:
    """Returns a plan as JSON: a summary, and each change."""
    return {
        "remedy": plan.remedy,
        "title": plan.title,
        "target": ", ".join(plan.targets),
        "statements": list(plan.statements),
        "undo": list(plan.undo),
        "undo_says": plan.undo_says,
        "risk": plan.risk,
        "cost": plan.cost,
        "blast_radius": plan.blast_radius,
        "revert_after": plan.revert_after,
        "on_failure": plan.on_failure,
        "error_budget": plan.error_budget,
        "changes": [asdict(change) for change in plan.changes],
        "digest": plan.digest,
    }


def effect_as_json(effect: Effect) -> dict[str, Any]:
    """Returns as JSON whether a change helped, and the causes that hold after it."""
    return {
        "helped": effect.helped.value,
        "cause": effect.cause,
        "holds": effect.holds or None,
        "missing": effect.missing or None,
        "causes": [{"id": each.id, "says": each.says, "remedies": list(each.remedies)} for each in effect.now],
    }


def seen_as_json(seen: SeenBefore) -> dict[str, Any]:
    """Returns as JSON what is known of a cause from earlier runs."""
    return {
        "times": seen.times,
        "more": seen.more,
        "since": seen.since.isoformat(),
        "last_run": seen.last_run,
        "says": seen.says,
    }
