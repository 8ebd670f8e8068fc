"""Prints lint findings in the terminal."""

from __future__ import annotations

from rich.text import Text

from bot.cli.terminal import counted, err, out
from bot.runbook.language.findings import Finding
from bot.runbook.linting.lint_files import LintReport
from bot.runbook.linting.rule import Severity
from bot.runbook.linting.rules import severity_of

_COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow"}
_MAX_WIDTH = 160
"""The most characters of a source line that are shown."""


def show(report: LintReport, what: str) -> None:
    """Prints the findings, with their source lines in a terminal, and the counts; `what` names one linted file."""
    for finding in report.findings:
        where = f"{finding.file}:{finding.line}:{finding.column}: "
        line = Text(_printable(where), "bold")
        line.append(f"{severity_of(finding).value}: ", _COLOURS[severity_of(finding)])
        line.append(_printable(finding.text), "not bold")
        line.append(f" [{finding.rule}]", "not bold dim")
        out.print(line, soft_wrap=True, highlight=False)
        if out.is_terminal:
            _show_line(report, finding)
    errors, warnings = (counted(report.count(each), each.value) for each in Severity)
    found = f"{errors}, {warnings}" if report.findings else "no findings"
    err.print(f"{counted(report.files, what)}: {found}.", highlight=False, markup=False)


def _show_line(report: LintReport, finding: Finding) -> None:
    """Prints the source line with a caret below the column; a long line is cut around the column."""
    source = _printable(report.source_line(finding))
    if not source.strip():
        return
    begin = max(0, finding.column - _MAX_WIDTH // 2) if len(source) > _MAX_WIDTH else 0
    shown = source[begin : begin + _MAX_WIDTH]
    out.print(Text(f"  {shown}"), soft_wrap=True, highlight=False)
    out.print(Text(" " * (2 + finding.column - 1 - begin) + "^", _COLOURS[severity_of(finding)]), soft_wrap=True)


def _printable(text: str) -> str:
    """Replaces non-printable characters, which could move the cursor or change colours, by a dot."""
    return "".join(character if character.isprintable() else "·" for character in text)
