"""Checks of `shows`: what the card shows before all else. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bot.runbook.expressions.names import scope_of
from bot.runbook.language.findings import Problem
from bot.runbook.language.schema import Runbook
from bot.runbook.linting.checks.values import Scope, check_template


def check_shows(runbook: Runbook) -> Iterator[Problem]:
    """Holds the expressions of every line against the evidence."""
    scope = Scope(scope_of(runbook))
    for label, template in runbook.shows.items():
        yield from check_template(("shows", label), template, scope)
