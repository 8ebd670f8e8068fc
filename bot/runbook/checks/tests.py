"""Checks of `tests`: whether they speak of steps, causes and remedies that are there. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bot.runbook.checks.problem import Problem
from bot.runbook.document import Path
from bot.runbook.names import evidence_types
from bot.runbook.schema import Runbook
from bot.runbook.selftest import given
from bot.runbook.signatures import near


def check_tests(runbook: Runbook) -> Iterator[Problem]:
    """Holds what every test gives and expects against the runbook; it runs none."""
    types = evidence_types(runbook)
    causes = [cause.id for cause in runbook.causes]
    for number, test in enumerate(runbook.tests):
        path: Path = ("tests", number)
        for step, fields in test.given.items():
            if step not in types:
                yield Problem((*path, "given", step), f"there is no step {step!r}{near(step, types)}")
                continue
            try:
                given(types[step], fields)
            except ValueError as error:
                yield Problem((*path, "given", step), str(error))
        for step in test.missing:
            if step not in types:
                yield Problem((*path, "missing"), f"there is no step {step!r}{near(step, types)}")
        expected = test.expect
        for cause in {expected.cause, *(expected.causes or ()), *(expected.undecided or ())} - {None, *causes}:
            yield Problem((*path, "expect"), f"there is no cause {cause!r}{near(str(cause), causes)}")
        for remedy in expected.remedies:
            if remedy not in runbook.remedies:
                says = f"there is no remedy {remedy!r}{near(remedy, runbook.remedies)}"
                yield Problem((*path, "expect"), says)
