"""`shows` of a runbook: the fields of the card."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from actions.diagnostics.mysql.replica_status import ReplicaStatus
from bot.runbook.diagnosis.card_fields import render_card_fields
from bot.runbook.expressions.evaluation import Missing
from bot.runbook.language.inputs import resolve
from bot.runbook.language.schema import Runbook
from bot.runbook.library.load_runbooks import load_folders, shipped_folder
from bot.runbook.linting.analysis import analyze
from bot.runbook.testing.run_tests import DEFAULT_TARGET, evidence_of

BY_NAME = {runbook.runbook: runbook for runbook in load_folders([shipped_folder()]).runbooks}


def runbook(**shows: str) -> Runbook:
    return Runbook.model_validate(
        {
            "runbook": "mysql/x",
            "title": "x",
            "owner": "me",
            "inputs": {"limit": {"type": "seconds", "default": 30}},
            "gather": {"replica": "mysql.replica_status"},
            "shows": shows,
        }
    )


def seen(of: Runbook, replica: object) -> dict[str, str]:
    return dict(render_card_fields(of, {"replica": replica}, {"limit": 30.0}, DEFAULT_TARGET))


def test_each_field_is_rendered_from_the_evidence_with_units():
    found = seen(
        runbook(Applier="{{ replica.applier_running }} on {{ target.name }}", Limit="{{ inputs.limit | duration }}"),
        ReplicaStatus(applier_running="No"),
    )
    assert found == {"Applier": "No on db-1", "Limit": "30 s"}


def test_missing_evidence_renders_as_unknown():
    assert seen(runbook(Applier="{{ replica.applier_running }}"), Missing("replica", "it is down")) == {
        "Applier": "unknown"
    }


@pytest.mark.parametrize("template", ['{{ "" }}', "{{ replica.lag | duration }}"])
def test_an_empty_field_is_omitted(template):
    assert seen(runbook(Lag=template, Applier="{{ replica.applier_running }}"), ReplicaStatus()) == {"Applier": "No"}


def test_more_than_three_fields_are_rejected():
    with pytest.raises(ValidationError, match="at most 3"):
        runbook(**{f"Line {number}": "x" for number in range(4)})


@pytest.mark.parametrize("label", ["lag", "", "Lag!", "x" * 31])
def test_an_invalid_label_is_rejected(label):
    with pytest.raises(ValidationError, match="shows"):
        runbook(**{label: "x"})


def test_a_misspelt_field_is_reported_at_its_path():
    [problem] = analyze(runbook(Lag="{{ replica.lagg }}")).type_problems
    assert problem.path == ("shows", "Lag")
    assert (problem.rule, problem.suggestion) == ("unknown-field", "did you mean 'lag'?")


@pytest.mark.parametrize("name", sorted(BY_NAME.keys() - {"mysql/first-look"}))
def test_every_shipped_runbook_has_two_or_three_card_fields(name):
    assert 2 <= len(BY_NAME[name].shows) <= 3


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_every_card_field_of_a_shipped_runbook_is_non_empty_in_one_of_its_tests(name):
    found = {
        label
        for test in BY_NAME[name].tests
        for label, _ in render_card_fields(
            BY_NAME[name],
            evidence_of(BY_NAME[name], test),
            resolve(BY_NAME[name], {}, test.inputs),
            {**DEFAULT_TARGET, **{str(key): value for key, value in test.target.items()}},
        )
    }
    assert found == BY_NAME[name].shows.keys()
