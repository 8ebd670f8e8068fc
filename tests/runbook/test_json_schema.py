"""The JSON Schema accepts and rejects the same documents as the loader, in an independent validator."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from actions.catalog import DIAGNOSTICS, REMEDIATIONS
from bot.errors import RunbookError
from bot.runbook.language.json_schema import runbook_schema
from bot.runbook.language.positioned_document import read
from bot.runbook.language.runbook_files import files_of
from bot.runbook.library.load_runbooks import parse, shipped_folder
from tests.shell import firstmate

SCHEMA = runbook_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
FILES = files_of(shipped_folder())

GOOD: dict[str, Any] = {
    "runbook": "mysql/x",
    "title": "An example",
    "owner": "datastores",
    "match": ['alertname = "X"', ['alertname = "Y"', 'severity != "info"']],
    "inputs": {"limit": {"type": "seconds", "default": "30s"}, "how": {"type": "enum", "values": ["a", "b"]}},
    "gather": {
        "replica": "mysql.replica_status",
        "others": {"use": "mysql.replica_status", "on": "replicas", "timeout": "2s", "retries": 1},
        "some": {"use": "mysql.connection_use", "on": {"role": "replica", "limit": 3}},
        "old": {"use": "mysql.long_transactions", "with": {"older_than": "{{ inputs.limit }}"}, "when": "true"},
        "chart": {"use": "prometheus.range", "with": {"query": "up", "window": "1h"}},
    },
    "causes": [{"id": "late", "when": "replica.lag > 3", "says": "Late.", "remedy": ["go", "steps"]}],
    "remedies": {
        "go": {"use": "mysql.start_replica", "with": {"thread": "applier"}},
        "steps": {
            "on": "replicas",
            "batches": [1, 2],
            "on_failure": "undo",
            "steps": [{"use": "mysql.start_replica"}, {"use": "mysql.start_replica", "with": {"thread": "both"}}],
        },
    },
    "tests": [{"given": {"replica": {"lag": 5}}, "expect": {"cause": "late", "remedy": ["go", "steps"]}}],
    "autonomy": "suggest",
    "silence": "30m",
    "links": [{"title": "Manual", "url": "https://example.com"}],
}


def test_the_json_schema_is_valid():
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_shipped_runbook_is_valid(path: Any):
    document = read(path.read_text(encoding="utf-8"), str(path)).value
    assert [error.message for error in VALIDATOR.iter_errors(document)] == []


def test_every_key_of_the_language_is_accepted():
    assert [error.message for error in VALIDATOR.iter_errors(GOOD)] == []


def changed(*path: Any, to: Any) -> dict[str, Any]:
    """The good runbook with another value at a path; DROP takes the key away."""
    found = copy.deepcopy(GOOD)
    place: Any = found
    for key in path[:-1]:
        place = place[key]
    if to is DROP:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return found


DROP = object()
MISTAKES = [
    pytest.param(changed("owner", to=DROP), id="a key is missing"),
    pytest.param(changed("ownr", to="x"), id="a key is misspelt"),
    pytest.param(changed("gather", "replica", to="mysql.replica_statu"), id="an action is misspelt"),
    pytest.param(changed("gather", "others", "use", to="mysql.replica_statu"), id="an action is misspelt under use"),
    pytest.param(changed("gather", "others", "on", to="replica"), id="a place that is none"),
    pytest.param(changed("gather", "some", "on", "rol", to="replica"), id="a selector's key is misspelt"),
    pytest.param(changed("gather", "old", "with", "older", to="3s"), id="a parameter is misspelt"),
    pytest.param(changed("gather", "chart", "with", "query", to=DROP), id="a parameter is missing"),
    pytest.param(changed("gather", "chart", "with", to=DROP), id="all parameters are missing"),
    pytest.param(changed("gather", "No spaces", to="mysql.replica_status"), id="a step's name"),
    pytest.param(changed("remedies", "go", "with", "thread", to="all"), id="a word that the parameter does not take"),
    pytest.param(changed("remedies", "steps", "on_failure", to="retry"), id="a word after a failure"),
    pytest.param(changed("inputs", "limit", "type", to="second"), id="an input's type"),
    pytest.param(changed("autonomy", to="full"), id="autonomy"),
    pytest.param(changed("tests", 0, "expect", "couse", to="late"), id="an expectation is misspelt"),
]


@pytest.mark.parametrize("document", MISTAKES)
def test_documents_that_the_loader_rejects_are_invalid(document: dict[str, Any]):
    assert list(VALIDATOR.iter_errors(document)) != []
    with pytest.raises(RunbookError):
        parse(yaml.safe_dump(document, sort_keys=False), "x.yml")


def test_every_action_has_its_parameters_in_the_schema():
    parts = SCHEMA["$defs"]
    assert parts["GatherStep"]["properties"]["use"]["enum"] == sorted(DIAGNOSTICS)
    assert parts["Remedy"]["properties"]["use"]["enum"] == sorted(REMEDIATIONS)
    rules = {each["if"]["properties"]["use"]["const"]: each["then"] for each in parts["GatherStep"]["allOf"]}
    assert rules["prometheus.range"]["properties"]["with"]["required"] == ["query"]


def test_the_command_prints_the_schema():
    said = firstmate("schema")
    assert said.code == 0
    assert said.json == SCHEMA
