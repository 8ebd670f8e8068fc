"""What is wrong with a runbook or a policy, and where: findings, their rules, and the error that is made of them. Pure.

Every rule has one row in RULES; `tests/runbook/mistakes/` has at least one mistake for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from bot.errors import RunbookError

Path: TypeAlias = tuple[str | int, ...]
"""Keys and numbers of items, from the top of a document to one of its values."""

MAX_TOLD = 20
"""Findings that one error tells of."""


class Severity(StrEnum):
    """An error keeps a runbook from being used; a warning is only told."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule finds, in one sentence, and how much that matters."""

    says: str
    severity: Severity = Severity.ERROR


def _warns(says: str) -> Rule:
    return Rule(says, Severity.WARNING)


RULES: Mapping[str, Rule] = {
    # the file
    "unreadable-file": Rule("The file cannot be read."),
    "not-utf8": Rule("The file is not UTF-8."),
    "too-large": Rule("The file is larger, or holds more values, than a person writes."),
    "too-deep": Rule("Values are nested deeper than a person writes."),
    "yaml-syntax": Rule("The file is not YAML."),
    "tab-indent": Rule("A tab indents a line, where YAML takes spaces only."),
    "duplicate-key": Rule("A key stands twice in one mapping, so one of the two would be lost."),
    "anchor-or-alias": Rule("An anchor, alias or merge key hides what a runbook says."),
    "yaml-tag": Rule("A tag gives a value another type than it shows."),
    "second-document": Rule("The file holds more than one document."),
    # its shape
    "unknown-key": Rule("There is no such key here."),
    "missing-key": Rule("A key that is needed is missing."),
    "wrong-value": Rule("A value is not what its key takes."),
    "wrong-name": Rule("A name is not made of a to z, 0 to 9 and _, or has a meaning of its own in expressions."),
    "wrong-matcher": Rule("An alternative of `match` is not in Alertmanager's syntax."),
    "name-mismatch": Rule("The name of a runbook is not its path below the folder of runbooks."),
    # its parts
    "wrong-default": Rule("The default of an input does not fit its type."),
    "unknown-action": Rule("The catalog has no such action."),
    "unknown-parameter": Rule("The action has no such parameter."),
    "missing-parameter": Rule("The action needs a parameter that is not given."),
    "wrong-parameter": Rule("A parameter does not fit its type."),
    "wrong-place": Rule("A step asks, or a remedy changes, what cannot be asked or changed there."),
    "step-cycle": Rule("Steps wait for each other, so none of them would run."),
    "costly-step": _warns("A diagnostic that can stall a server is asked without a condition."),
    "duplicate-cause": Rule("A cause's id stands twice."),
    "unknown-cause": Rule("There is no such cause, or not before this one."),
    "unknown-remedy": Rule("There is no such remedy."),
    "unknown-runbook": Rule("There is no such runbook, or it has no such remedy or input."),
    "test-of-nothing": Rule("A test names a step, input, cause or remedy that is not there."),
    "wrong-evidence": Rule("What a test gives does not fit the evidence."),
    # its expressions
    "expression-syntax": Rule("An expression or template cannot be read."),
    "forbidden-expression": Rule("An expression uses what runbooks do not take: calls, statements, private names."),
    "unknown-filter": Rule("There is no such filter or test."),
    "wrong-filter": Rule("A filter or test is given what it cannot take."),
    "unknown-name": Rule("An expression begins with a name that is not known there."),
    "unknown-field": Rule("The evidence has no such field."),
    "incomparable": Rule("Values of different kinds are compared, which are never equal and have no order."),
    "never-equal": Rule("A value is compared with a word that it never is."),
    "unit-mismatch": Rule("Values of different units are compared or added."),
    "wrong-operand": Rule("Arithmetic is done on what is not a number."),
    "may-be-null": _warns("A value that may be empty (NULL) is used without a look whether it is known."),
    "always-true": _warns("A condition holds whatever the evidence says."),
    # the whole runbook
    "unused-input": _warns("Nothing reads an input."),
    "unread-step": _warns("Nothing reads the evidence of a step, and it is not marked `show`."),
    "unused-remedy": _warns("No cause offers a remedy."),
    "unreachable-cause": _warns(
        "A cause can never lead: it contradicts itself, or one before it holds whenever it does."
    ),
    "untested-cause": _warns("No test expects a cause to hold."),
    # all runbooks together
    "same-name": Rule("Two files hold the same runbook."),
    "equal-match": Rule("Two runbooks answer the same alert equally well, so neither would run."),
    # a policy
    "duplicate-freeze": Rule("Two freezes of a policy have the same name."),
    "past-freeze": _warns("A freeze of a policy is over."),
    "unknown-shard": _warns("A pattern of shards fits none of the inventory."),
}
"""Name of a rule -> what it finds; in the order in which a reader of a runbook comes upon them."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One finding; lines and columns count from 1."""

    file: str
    line: int
    column: int
    rule: str
    says: str
    suggestion: str = ""
    """What would mend it, such as `did you mean 'lag'?`; '' where nobody knows."""

    @property
    def severity(self) -> Severity:
        return RULES[self.rule].severity

    @property
    def text(self) -> str:
        """What is found, with the suggestion."""
        return f"{self.says}; {self.suggestion}" if self.suggestion else self.says

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.text} [{self.rule}]"


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding that knows its path in a document, and not yet its line."""

    path: Path
    says: str
    rule: str = "wrong-value"
    suggestion: str = ""
    at: int | None = None
    """The character of the text at that path which is meant, from 0."""
    on_key: bool = False
    """The key at that path is meant, not its value."""


class RunbookRefused(RunbookError):
    """Runbooks that cannot be used, with all that was found; the message has one line for each finding."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        told = [str(each) for each in self.findings[:MAX_TOLD]]
        if len(self.findings) > MAX_TOLD:
            told.append(f"{self.findings[-1].file}: and {len(self.findings) - MAX_TOLD} more")
        super().__init__("\n".join(told))
