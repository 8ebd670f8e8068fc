"""The schema of a runbook's tests: evidence, and what the runbook must conclude from it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from bot.runbook.language.kinds import Kind
from bot.runbook.language.schema_base import Line, Names, Parameters, RunbookModel


class Expect(RunbookModel):
    """The expected outcome of a test."""

    cause: str | None = None
    """The leading cause; null if no cause is proved."""
    remedies: Names = Field(default=(), alias="remedy")
    """All remedies that the leading cause offers, the best first; one name or a list."""
    causes: tuple[str, ...] | None = None
    """All proved causes, in order."""
    undecided: tuple[str, ...] | None = None
    """All causes that cannot be decided because evidence is missing."""
    says: str | None = None
    """Text that the sentence of the leading cause contains, or, if the runbook does not speak for the kinds of the
    server, the sentence that says so."""
    parameters: Parameters | None = Field(default=None, alias="with")
    """Parameters of the first action of the first remedy; others are not compared."""
    statements: tuple[str, ...] | None = None
    """All statements of the first remedy's plan on one target."""
    continues: str | None = None
    """The runbook that the leading cause goes on with; if it is not given, it is not compared."""
    card: str | None = None
    """Text that the card contains."""


class ServerAnswer(RunbookModel):
    """The result of a statement that the server executes while a remedy is planned."""

    asks: Annotated[str, Field(min_length=1, max_length=2000)]
    """Text that the statement contains."""
    rows: tuple[Mapping[str, Any], ...] = ()
    """The rows of the result, each a mapping of column to value."""


class Test(RunbookModel):
    """Evidence and the outcome that it must lead to; fields that are not given have the defaults of their types."""

    __test__ = False

    name: Line | None = None
    """A short description of the test."""
    given: Mapping[str, Any] = Field(default_factory=dict)
    """The evidence of each step; fields that are not given have the defaults of their types."""
    missing: tuple[str, ...] = ()
    """The steps that failed."""
    inputs: Mapping[str, Any] = Field(default_factory=dict)
    """The inputs that differ from their defaults."""
    target: Mapping[Literal["name", "address", "role", "shard", "flavour", "replicas", "tablet"], str | int] = Field(
        default_factory=dict
    )
    """The target's properties in the inventory; by default a replica in a shard with two replicas."""
    kinds: tuple[Kind, ...] = ()
    """The kinds of the server, such as `[replica, managed]`; by default the runbook speaks for it."""
    server: Annotated[str, Field(pattern=r"^(mysql|mariadb|proxysql) \d+\.\d+(\.\d+)?$")] = "mysql 8.4.0"
    """The flavour and version of the server on which a remedy is planned."""
    answers: tuple[ServerAnswer, ...] = ()
    """The results of the statements that the server executes while the remedy is planned."""
    expect: Expect
    """The expected outcome."""
