"""What every action is, takes, returns, asks and needs, read from the code of the actions themselves."""

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
from actions.contract import Grants, Prometheus, Unit
from bot.errors import WrongUsage
from bot.runbook.expressions.value_types import BaseType, ValueType, value_type_of
from bot.runbook.language.signatures import attributes_of, bare, did_you_mean, item_of, of_diagnostic, of_remediation
from bot.runbook.reference.statement_listener import Heard, asked_by, changed_by

NAMES = (*sorted(DIAGNOSTICS), *sorted(REMEDIATIONS))
_UNITS = {
    Unit.SECONDS: "seconds, e.g. `30s`, `5m`",
    Unit.BYTES: "bytes, e.g. `64MiB`",
    Unit.PERCENT: "percent, e.g. `80%`",
    Unit.COUNT: "a count",
    Unit.MOMENT: "a moment, in Unix seconds",
}
_NO_DEFAULT = object()


@dataclass(frozen=True, slots=True)
class Entry:
    """A parameter, or a field of the evidence."""

    name: str
    kind: str
    """In the words of runbooks, with its unit; the words of a closed set."""
    says: str
    default: str | None = None
    """Of a parameter; None where it must be given."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record of the evidence: the whole, or the items of a list in it."""

    name: str
    """'' for the whole, else where it is, e.g. `blockers[]`."""
    says: str
    fields: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Described:
    """One action."""

    name: str
    says: str
    """Its docstring: one plain sentence, then the rest."""
    parameters: tuple[Entry, ...]
    needs: Grants
    asks: tuple[Heard, ...]
    cost: str = ""
    """Of a diagnostic: low, medium or high; '' for a remediation."""
    returns: tuple[Record, ...] = ()
    risk: str = ""
    """Of a remediation: reversible, disruptive or destructive; '' for a diagnostic."""
    methods: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Of a remediation: what check, change, verify and undo do."""
    changes: tuple[Heard, ...] = ()
    undoes: tuple[Heard, ...] = ()

    @property
    def first(self) -> str:
        return self.says.split("\n")[0]


def described(name: str) -> Described:
    """All of one action; raises WrongUsage with the nearest name."""
    if name in DIAGNOSTICS:
        return _diagnostic(name)
    if name in REMEDIATIONS:
        return _remediation(name)
    raise WrongUsage(f"There is no action {name!r}{did_you_mean(name, NAMES)} firstmate actions lists them all.")


def _diagnostic(name: str) -> Described:
    declared, signature = DIAGNOSTICS[name], of_diagnostic(name)
    parameters = inspect.signature(declared.ask).parameters
    reader = inspect.get_annotations(declared.ask, eval_str=True)[next(iter(parameters))]
    entries = [
        Entry(each, shown(kind), "", _default(parameters[each].default, inspect.Parameter.empty))
        for each, kind in signature.parameters.items()
    ]
    gate = ", once a minute on a server" if declared.costly else ""
    looks = "; looks cheaply first, and asks the rest only where there is something to see" if declared.gated else ""
    return Described(
        name,
        inspect.getdoc(declared.ask) or "",
        tuple(entries),
        declared.needs,
        () if reader is Prometheus else tuple(asked_by(name)),
        cost=f"{declared.cost.value}{gate}{looks}",
        returns=tuple(_records(signature.result)),
    )


def _remediation(name: str) -> Described:
    declared, signature = REMEDIATIONS[name], of_remediation(name)
    says = _attribute_docs(declared)
    defaults = {each.name: each.default for each in dataclasses.fields(declared)}  # type: ignore[arg-type]
    entries = [
        Entry(each, shown(kind), says.get(each, ""), _default(defaults[each], dataclasses.MISSING))
        for each, kind in signature.parameters.items()
    ]
    methods = {each: inspect.getdoc(getattr(declared, each)) or "" for each in ("check", "change", "verify", "undo")}
    return Described(
        name,
        inspect.getdoc(declared) or "",
        tuple(entries),
        declared.needs,
        tuple(asked_by(name)),
        risk=declared.risk.value,
        methods=methods,
        changes=tuple(changed_by(name)),
        undoes=tuple(changed_by(name, back=True)),
    )


def _records(result: type, where: str = "") -> list[Record]:
    """The record, and after it those that its lists hold."""
    says = _attribute_docs(result)
    found = attributes_of(result)
    fields = tuple(Entry(name, shown(kind), says.get(name, "")) for name, kind in found.items())
    records = [Record(where, (inspect.getdoc(result) or "").split("\n")[0], fields)]
    for name, kind in found.items():
        inner = item_of(kind) or bare(kind)
        if dataclasses.is_dataclass(inner) and isinstance(inner, type):
            suffix = "[]" if item_of(kind) is not None else ""
            records += _records(inner, f"{where}.{name}{suffix}".lstrip("."))
    return records


def shown(annotation: Any) -> str:  # noqa: ANN401 - annotations have no common type
    """A type in the words of runbooks."""
    kind = value_type_of(annotation)
    empty = ", or empty" if kind.nullable else ""
    return f"{_shown(kind)}{empty}"


def _shown(kind: ValueType) -> str:
    if kind.literals is not None:
        return "one of " + ", ".join(f"`{word}`" if word else "'' (nothing)" for word in sorted(kind.literals))
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
    """What stands below the fields of a class, and in the docstrings of its properties."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(declared)))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    found: dict[str, str] = {}
    for part, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
            doc = after.value if isinstance(after, ast.Expr) else None
            if isinstance(doc, ast.Constant) and isinstance(doc.value, str):
                found[part.target.id] = " ".join(doc.value.split())
        elif isinstance(part, ast.FunctionDef) and (doc_string := ast.get_docstring(part)):
            found[part.name] = " ".join(doc_string.split())
    return found
