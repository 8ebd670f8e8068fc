"""A lint report for machines: JSON, SARIF 2.1.0 and the commands of GitHub's workflows. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from bot.runbook.language.findings import RULES, Finding, Severity
from bot.runbook.linting.lint import Report

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_json(report: Report) -> dict[str, Any]:
    """The report as plain values: counts, and every finding with all it has."""
    return {
        "files": report.files,
        "errors": report.count(Severity.ERROR),
        "warnings": report.count(Severity.WARNING),
        "findings": [
            {
                "file": each.file,
                "line": each.line,
                "column": each.column,
                "rule": each.rule,
                "severity": each.severity.value,
                "says": each.says,
                "suggestion": each.suggestion or None,
            }
            for each in report.findings
        ],
    }


def as_sarif(report: Report) -> dict[str, Any]:
    """The report in the Static Analysis Results Interchange Format, as code scanning takes it."""
    names = list(RULES)
    rules = [
        {
            "id": name,
            "shortDescription": {"text": rule.says},
            "defaultConfiguration": {"level": rule.severity.value},
        }
        for name, rule in RULES.items()
    ]
    driver = {"name": "firstmate lint", "rules": rules}
    results = [
        {
            "ruleId": each.rule,
            "ruleIndex": names.index(each.rule),
            "level": each.severity.value,
            "message": {"text": each.text},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": _uri(each.file)},
                        "region": {"startLine": each.line, "startColumn": each.column},
                    }
                }
            ],
        }
        for each in report.findings
    ]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def _uri(file: str) -> str:
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def as_github(report: Report) -> Iterator[str]:
    """One workflow command for each finding, which GitHub shows at its line of a pull request."""
    for each in report.findings:
        yield _command(each)


def _command(finding: Finding) -> str:
    properties = {"file": finding.file, "line": finding.line, "col": finding.column, "title": finding.rule}
    written = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{finding.severity.value} {written}::{_data(finding.text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
