"""Describes every action from its code: parameters, evidence, statements, privileges, cost and risk."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from actions.catalog import DIAGNOSTICS, REMEDIATIONS
from actions.contract import Grants, Unit
from actions.prometheus_contract import Prometheus
from bot.errors import WrongUsage
from bot.runbook.expressions.value_types import BaseType, ValueType, value_type_of
from bot.runbook.language.signatures import attributes_of, bare, did_you_mean, item_of, of_diagnostic, of_remediation
from bot.runbook.reference.statement_recorder import RecordedStatement, statements_of_change, statements_read

NAMES = (*sorted(DIAGNOSTICS), *sorted(REMEDIATIONS))
_UNITS = {
    Unit.SECONDS: "seconds, e.g. `30s`, `5m`",
    Unit.BYTES: "bytes, e.g. `64MiB`",
    Unit.PERCENT: "percent, e.g. `80%`",
    Unit.COUNT: "a count",
    Unit.MOMENT: "a Unix time, in seconds",
}
_NO_DEFAULT = object()


@dataclass(frozen=True, slots=True)
class Entry:
    """A parameter, or a field of the evidence."""

    name: str
    kind: str
    """The type with its unit, or the possible values."""
    says: str
    default: str | None = None
    """The default of a parameter; None if it is required."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record of the evidence: the evidence itself, or a record in one of its fields."""

    name: str
    """'' for the evidence itself, else the path, e.g. `holders[]`."""
    says: str
    fields: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class ActionDescription:
    """The description of one action."""

    name: str
    says: str
    """The docstring: a summary line, then the details."""
    parameters: tuple[Entry, ...]
    needs: Grants
    asks: tuple[RecordedStatement, ...]
    cost: str = ""
    """The cost of a diagnostic: low, medium or high; '' for a remediation."""
    returns: tuple[Record, ...] = ()
    risk: str = ""
    """The risk of a remediation: reversible, disruptive or destructive; '' for a diagnostic."""
    methods: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """For a remediation, the docstrings of check, change, verify and undo."""
    changes: tuple[RecordedStatement, ...] = ()
    undoes: tuple[RecordedStatement, ...] = ()

    @property
    def first(self) -> str:
        return self.says.split("\n")[0]


def describe(name: str) -> ActionDescription:
    """Describes one action; raises WrongUsage, which suggests the closest name."""
    if name in DIAGNOSTICS:
        return _diagnostic(name)
    if name in REMEDIATIONS:
        return _remediation(name)
    suggestion = did_you_mean(name, NAMES) or "."
    raise WrongUsage(f"Unknown action {name!r}{suggestion} `firstmate actions` lists all actions.")


def _diagnostic(name: str) -> ActionDescription:
    declared, signature = DIAGNOSTICS[name], of_diagnostic(name)
    parameters = inspect.signature(declared.ask).parameters
    reader = inspect.get_annotations(declared.ask, eval_str=True)[next(iter(parameters))]
    entries = [
        Entry(each, type_text(kind), "", _default(parameters[each].default, inspect.Parameter.empty))
        for each, kind in signature.parameters.items()
    ]
    rate = ", at most once a minute per server" if declared.costly else ""
    gate = "; starts with a cheap query and runs the others only if it returns rows" if declared.gated else ""
    return ActionDescription(
        name,
        inspect.getdoc(declared.ask) or "",
        tuple(entries),
        declared.needs,
        () if reader is Prometheus else tuple(statements_read(name)),
        cost=f"{declared.cost.value}{rate}{gate}",
        returns=tuple(_records(signature.result)),
    )


def _remediation(name: str) -> ActionDescription:
    declared, signature = REMEDIATIONS[name], of_remediation(name)
    says = _attribute_docs(declared)
    defaults = {each.name: each.default for each in dataclasses.fields(declared)}  # type: ignore[arg-type]
    entries = [
        Entry(each, type_text(kind), says.get(each, ""), _default(defaults[each], dataclasses.MISSING))
        for each, kind in signature.parameters.items()
    ]
    methods = {each: inspect.getdoc(getattr(declared, each)) or "" for each in ("check", "change", "verify", "undo")}
    return ActionDescription(
        name,
        inspect.getdoc(declared) or "",
        tuple(entries),
        declared.needs,
        tuple(statements_read(name)),
        risk=declared.risk.value,
        methods=methods,
        changes=tuple(statements_of_change(name)),
        undoes=tuple(statements_of_change(name, undo=True)),
    )


def _records(result: type, where: str = "") -> list[Record]:
    """Returns the record, followed by the records in its fields."""
    says = _attribute_docs(result)
    found = attributes_of(result)
    fields = tuple(Entry(name, type_text(kind), says.get(name, "")) for name, kind in found.items())
    records = [Record(where, (inspect.getdoc(result) or "").split("\n")[0], fields)]
    for name, kind in found.items():
        inner = item_of(kind) or bare(kind)
        if dataclasses.is_dataclass(inner) and isinstance(inner, type):
            suffix = "[]" if item_of(kind) is not None else ""
            records += _records(inner, f"{where}.{name}{suffix}".lstrip("."))
    return records


def type_text(annotation: Any) -> str:  # noqa: ANN401 - annotations have no common type
    """Returns a type in the notation of the documentation."""
    value_type = value_type_of(annotation)
    return f"{_type_text(value_type)}{', or NULL' if value_type.nullable else ''}"


def _type_text(kind: ValueType) -> str:
    if kind.literals is not None:
        return "one of " + ", ".join(f"`{literal}`" if literal else "'' (empty)" for literal in sorted(kind.literals))
    if kind.unit is not None:
        return _UNITS[kind.unit]
    if kind.base is BaseType.LIST and kind.item is not None:
        return "a list of records" if kind.item.base is BaseType.RECORD else f"a list of {_plural(kind.item)}"
    return kind.base.value


def _plural(kind: ValueType) -> str:
    plurals = {BaseType.TEXT: "texts", BaseType.NUMBER: "numbers", BaseType.BOOLEAN: "booleans"}
    return plurals.get(kind.base, "values")


def _default(value: object, none: object) -> str | None:
    return None if value is none else repr(value) if not isinstance(value, str) else f"{value or repr('')}"


@lru_cache(maxsize=256)
def _attribute_docs(declared: type) -> Mapping[str, str]:
    """Returns the docstrings of the fields and properties of a class and of its base dataclasses."""
    found: dict[str, str] = {}
    for base in declared.__bases__:
        found |= _attribute_docs(base) if dataclasses.is_dataclass(base) else {}
    tree = ast.parse(textwrap.dedent(inspect.getsource(declared)))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    for part, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
            doc = after.value if isinstance(after, ast.Expr) else None
            if isinstance(doc, ast.Constant) and isinstance(doc.value, str):
                found[part.target.id] = " ".join(doc.value.split())
        elif isinstance(part, ast.FunctionDef) and (doc_string := ast.get_docstring(part)):
            found[part.name] = " ".join(doc_string.split())
    return found
