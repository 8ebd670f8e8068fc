"""The reference of the actions agrees with the code."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import actions
from actions.catalog import DIAGNOSTICS, REMEDIATIONS
from actions.contract import Flavour
from bot.fleet.vitess.allowed_calls import CHANGING, CHANGING_VTORC
from bot.runbook.reference import statement_recorder
from bot.runbook.reference.action_reference import NAMES, describe
from bot.runbook.reference.statement_recorder import RecordingReader, statements_of_change, statements_read
from bot.runbook.reference.vitess_calls import call_name
from tests.shell import firstmate

TOP = Path(actions.__file__).parents[1]
SQL = [name for name in NAMES if name.startswith(("mysql.", "proxysql."))]


def test_the_page_is_up_to_date():
    committed = (TOP / "docs/actions.md").read_text(encoding="utf-8")
    assert committed == firstmate("actions", "--markdown").out, (
        "regenerate it: firstmate actions --markdown > docs/actions.md"
    )


def test_every_statement_in_the_code_is_recorded(monkeypatch: pytest.MonkeyPatch):
    recorded: set[tuple[str, str]] = set()

    class CallerRecorder(RecordingReader):
        def rows(self, *arguments, **named):
            caller = sys._getframe(1).f_code
            recorded.add((caller.co_filename, caller.co_name))
            return super().rows(*arguments, **named)

    monkeypatch.setattr(statement_recorder, "RecordingReader", CallerRecorder)
    for name in SQL:
        statements_read(name)
    # Statements for the MySQL server of a tablet belong to Vitess actions, which are documented by their privileges.
    beneath = (
        "vitess",
        "vitess_prechecks.py",
        "vitess_tablet_health.py",
        "vitess_tablet_replication.py",
        "metadata_lock_holders.py",
    )
    in_code = {
        (str(path), function.name)
        for path in (TOP / "actions").rglob("*.py")
        if path.name != "contract.py" and not any(part in path.parts for part in beneath)
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef)
        and any(isinstance(n, ast.Call) and getattr(n.func, "attr", "") == "rows" for n in ast.walk(function))
    }
    assert {(Path(file).name, name) for file, name in in_code - recorded} == set()


@pytest.mark.parametrize("name", REMEDIATIONS)
def test_every_remediation_has_recorded_changes_for_every_server(name: str):
    versions = {version for recorded in statements_of_change(name) for version in recorded.versions}
    assert versions == set(statement_recorder.versions_of(name))


VITESS = [name for name in NAMES if name.startswith("vitess.")]


@pytest.mark.parametrize("name", [name for name in VITESS if name in REMEDIATIONS])
def test_a_vitess_change_is_documented_by_its_calls_which_are_declared_and_allowed(name: str):
    needs = set(REMEDIATIONS[name].needs[Flavour.VITESS])
    documented = {call_name(each.text) for undo in (False, True) for each in statements_of_change(name, undo=undo)}
    assert documented
    assert documented <= set(CHANGING) | {path.replace("/api", "") for path in CHANGING_VTORC}
    assert {each for each in needs if each in CHANGING} == {each for each in documented if not each.startswith("/")}


@pytest.mark.parametrize("name", VITESS)
def test_the_calls_that_a_vitess_action_reads_change_nothing(name: str):
    texts = [each.text for each in statements_read(name)]
    assert texts
    assert not set(texts) & CHANGING


def test_a_recorded_statement_names_its_servers():
    recorded = {
        each.text: [str(version) for version in each.versions] for each in statements_read("mysql.replica_status")
    }
    assert recorded["SHOW SLAVE STATUS"] == ["mysql 5.7.44"]
    assert recorded["SHOW REPLICA STATUS"] == ["mysql 8.0.36", "mysql 8.4.0", "mysql 9.7.0"]


@pytest.mark.parametrize("name", NAMES)
def test_every_action_has_a_complete_description(name: str):
    found = describe(name)
    assert found.first.endswith(".")
    assert bool(found.cost) == (name in DIAGNOSTICS)
    assert bool(found.risk) == (name in REMEDIATIONS)
    assert all(found.methods.values())
    for record in found.returns:
        assert record.says
        assert record.fields


def test_one_action_is_shown_with_units_literals_and_defaults():
    shown = firstmate("actions", "mysql.long_transactions", "--markdown").out
    assert "| `older_than` | seconds, e.g. `30s`, `5m` | `30.0` |" in shown
    status = firstmate("actions", "mysql.replica_status", "--markdown").out
    assert "one of `Connecting`, `No`" in status
    assert "or NULL" in status
    started = firstmate("actions", "mysql.start_replica", "--markdown").out
    assert "START REPLICA SQL_THREAD" in started
    assert "Risk: reversible" in started


def test_without_an_option_the_output_is_a_table_or_a_page():
    listed = firstmate("actions").out
    assert all(name in listed for name in NAMES)
    assert "START REPLICA" in firstmate("actions", "mysql.start_replica").out


def test_with_json_the_output_is_json():
    [found] = firstmate("actions", "mysql.kill_connection", "--json").json["actions"]
    assert found["needs"]["mariadb"] == ["PROCESS", "CONNECTION ADMIN"]
    assert found["changes"] == [{"sql": "KILL 17", "versions": list(map(str, statement_recorder.VERSIONS))}]


def test_an_unknown_action_is_rejected_with_a_suggestion():
    said = firstmate("actions", "mysql.replica_statos")
    assert said.code == 2
    assert "did you mean 'mysql.replica_status'?" in said.err
    assert firstmate("actions", "--json", "--markdown").code == 2
