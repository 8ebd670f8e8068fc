"""Formats a lint report as JSON, as SARIF 2.1.0 and as workflow commands of GitHub Actions. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from bot.runbook.language.findings import Finding
from bot.runbook.linting.lint_files import LintReport
from bot.runbook.linting.rule import Severity
from bot.runbook.linting.rules import RULES, severity_of

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_json(report: LintReport) -> dict[str, Any]:
    """Returns the report as JSON values: the counts, and every finding in full."""
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
                "severity": severity_of(each).value,
                "says": each.message,
                "suggestion": each.suggestion or None,
            }
            for each in report.findings
        ],
    }


def as_sarif(report: LintReport) -> dict[str, Any]:
    """Returns the report in the Static Analysis Results Interchange Format, which code scanning reads."""
    names = list(RULES)
    rules = [
        {
            "id": name,
            "shortDescription": {"text": rule.description},
            "defaultConfiguration": {"level": rule.severity.value},
        }
        for name, rule in RULES.items()
    ]
    driver = {"name": "firstmate lint", "rules": rules}
    results = [
        {
            "ruleId": each.rule,
            "ruleIndex": names.index(each.rule),
            "level": severity_of(each).value,
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


def as_github(report: LintReport) -> Iterator[str]:
    """Yields one workflow command per finding; GitHub shows it at the line in a pull request."""
    for each in report.findings:
        yield _command(each)


def _command(finding: Finding) -> str:
    properties = {"file": finding.file, "line": finding.line, "col": finding.column, "title": finding.rule}
    attributes = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{severity_of(finding).value} {attributes}::{_data(finding.text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
