"""`firstmate lint`: which files it checks, and the formats in which it reports findings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

import bot
from bot.runbook.language.findings import Finding
from bot.runbook.linting.lint_files import LintReport
from bot.runbook.linting.report_formats import as_github
from bot.runbook.linting.rules import RULES
from tests.shell import firstmate
from tests.test_config import GOOD as SETTINGS

TOP = Path(bot.__file__).parents[1]
GOOD = """\
runbook: mysql/example
title: An example
owner: datastores
gather:
  replica: mysql.replica_status
causes:
  - id: late
    when: replica.delay > 30
    says: It is late.
tests:
  - given: {replica: {delay: 40s}}
    expect: {cause: late}
"""
WRONG = GOOD.replace("replica.delay > 30", 'replica.delay > "30s"')
WARNED = GOOD.replace("replica.delay > 30", "replica.lag > 30")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "runbooks/mysql").mkdir(parents=True)
    return tmp_path / "runbooks"


def written(folder: Path, text: str, name: str = "mysql/example.yml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_runbooks_have_no_findings():
    said = firstmate("lint", "--strict", "--json")
    assert said.json["findings"] == []
    assert said.code == 0
    assert said.json["files"] >= 5


def test_a_finding_is_one_line_with_position_message_suggestion_and_rule(folder: Path):
    path = written(folder, WRONG)
    said = firstmate("lint", path)
    assert said.code == 1
    assert said.out == (
        f'{path}:8:27: error: Cannot order replica.delay (a number of seconds) and "30s" (text); '
        "write 30 (seconds) [incomparable]\n"
    )
    assert said.err == "1 runbook: 1 error, 0 warnings.\n"


def test_warnings_fail_only_with_strict(folder: Path):
    path = written(folder, WARNED)
    assert firstmate("lint", path).code == 0
    assert "warning: replica.lag may be NULL" in firstmate("lint", path).out
    assert firstmate("lint", path, "--strict").code == 1


@pytest.mark.parametrize("place", [".", "mysql", "mysql/example.yml"])
def test_a_runbook_is_named_after_its_path_whichever_folder_is_linted(folder: Path, place: str):
    written(folder, GOOD)
    assert firstmate("lint", folder / place).code == 0
    written(folder, GOOD.replace("mysql/example", "mysql/exampel"))
    assert "its path requires 'mysql/example'" in firstmate("lint", folder / place).out


def test_findings_are_sorted_by_file_and_line(folder: Path):
    written(folder, WRONG)
    other = written(folder, "a: [", "mysql/another.yml")
    found = firstmate("lint", folder, "--json").json["findings"]
    assert [(each["file"], each["rule"]) for each in found] == [
        (str(other), "yaml-syntax"),
        (str(folder / "mysql/example.yml"), "incomparable"),
    ]


def test_a_runbook_of_a_later_folder_replaces_its_namesake(tmp_path: Path):
    match = 'match:\n  - alertname = "Late"\ngather:'
    for place in ("shipped", "own"):
        (tmp_path / place / "mysql").mkdir(parents=True)
        written(tmp_path / place, GOOD.replace("gather:", match))
    config = tmp_path / "firstmate.yml"
    config.write_text(f"{SETTINGS}runbooks: [shipped, own]\n", encoding="utf-8")
    assert firstmate("lint", "--config", config, "--json").json["findings"] == []


@pytest.mark.parametrize("wrong", ["nowhere.yml", "empty"])
def test_a_path_without_runbooks_is_wrong_usage(tmp_path: Path, wrong: str):
    (tmp_path / "empty").mkdir()
    said = firstmate("lint", tmp_path / wrong)
    assert said.code == 2
    assert wrong in said.err


def test_two_formats_or_an_unknown_format_are_wrong_usage(folder: Path):
    assert firstmate("lint", written(folder, GOOD), "--json", "--format", "sarif").code == 2
    assert firstmate("lint", written(folder, GOOD), "--format", "xml").code == 2


def test_json_contains_every_field_of_a_finding(folder: Path):
    path = written(folder, WRONG)
    said = firstmate("lint", path, "--format", "json")
    assert said.json == {
        "files": 1,
        "errors": 1,
        "warnings": 0,
        "findings": [
            {
                "file": str(path),
                "line": 8,
                "column": 27,
                "rule": "incomparable",
                "severity": "error",
                "says": 'Cannot order replica.delay (a number of seconds) and "30s" (text)',
                "suggestion": "write 30 (seconds)",
            }
        ],
    }
    assert said.json == firstmate("lint", path, "--json").json


def test_sarif_contains_the_rules_and_the_results(folder: Path, monkeypatch: pytest.MonkeyPatch):
    written(folder, WRONG)
    monkeypatch.chdir(folder.parent)
    said = firstmate("lint", "runbooks/mysql/example.yml", "--format", "sarif")
    assert said.code == 1
    document = json.loads(said.out)
    assert document["version"] == "2.1.0"
    [run] = document["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"]
    assert {rule["id"] for rule in driver["rules"]} == RULES.keys()
    assert all(rule["shortDescription"]["text"] for rule in driver["rules"])
    [result] = run["results"]
    assert (result["ruleId"], result["level"]) == ("incomparable", "error")
    assert driver["rules"][result["ruleIndex"]]["id"] == "incomparable"
    assert result["message"]["text"].endswith("write 30 (seconds)")
    [location] = result["locations"]
    assert location["physicalLocation"]["artifactLocation"] == {"uri": "runbooks/mysql/example.yml"}
    assert location["physicalLocation"]["region"] == {"startLine": 8, "startColumn": 27}


def test_sarif_without_findings_has_no_results(folder: Path):
    said = firstmate("lint", written(folder, GOOD), "--format", "sarif")
    assert said.code == 0
    assert said.json["runs"][0]["results"] == []


def test_github_format_is_a_workflow_command_with_the_position(folder: Path):
    path = written(folder, WARNED)
    said = firstmate("lint", path, "--format", "github")
    assert said.out.startswith(f"::warning file={path},line=8,col=11,title=may-be-null::replica.lag may be NULL")


def test_github_format_escapes_special_characters():
    finding = Finding("odd,na:me%.yml", 1, 2, "unknown-key", "100%\r\nof::it")
    [line] = as_github(LintReport((finding,), {}, 1))
    assert line == "::error file=odd%2Cna%3Ame%25.yml,line=1,col=2,title=unknown-key::100%25%0D%0Aof::it"


def test_control_characters_of_a_file_are_not_printed(folder: Path):
    path = written(folder, GOOD.replace("An example", "\x1b[31mred\x07"))
    said = firstmate("lint", path)
    assert "character U+001B is not allowed" in said.out
    assert "\x1b" not in said.out


def test_the_pre_commit_hook_lints_runbooks():
    [hook] = yaml.safe_load((TOP / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert hook["id"] == "firstmate-lint"
    command, *arguments = hook["entry"].split()
    assert command == "firstmate"
    assert firstmate(*arguments, TOP / "runbooks/mysql/first-look.yml").code == 0
    assert hook["language"] == "python"
    assert hook["require_serial"] is True
    assert {"id", "name", "entry", "language", "files"} <= hook.keys()
