"""Evaluates expressions in Jinja2's sandbox, restricted to the syntax that `bot.runbook.expressions.syntax` accepts.

Expressions have no calls, assignments or loops, so evaluation takes time in proportion to their length. Operations that
multiply output (powers, text products, formats, replacements) are rejected or limited. Values are returned unchanged:
text from a server is never interpreted as a number or a template.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import lru_cache
from typing import Any, cast

from jinja2 import ChainableUndefined, StrictUndefined, TemplateError, Undefined, UndefinedError
from jinja2.environment import Template, TemplateExpression
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bot.runbook.expressions.filters import FILTERS, TESTS, format_value, is_property
from bot.runbook.expressions.syntax import ExpressionError as ExpressionError
from bot.runbook.expressions.syntax import syntax_tree

MAX_OUTPUT = 3000
"""The most characters of a rendered text: Slack's limit for one section."""
MAX_ITEMS = 1000
MAX_NUMBER = 1e30
_UNKNOWN_SECONDS = re.compile(r"\bunknown m?s(?=[\s,.;:)]|$)")
_UNKNOWN_UNIT = re.compile(r"\bunknown ?(?:%|[KMGT]?i?B(?:/s)?|/s)(?=[\s,.;:)]|$)")


@dataclass(frozen=True, slots=True)
class Missing:
    """Missing evidence, with the reason: its step failed or did not run."""

    step: str
    reason: str


class EvidenceMissing(Exception):
    """An expression reads missing evidence."""

    def __init__(self, step: str, reason: str) -> None:
        super().__init__(f"{step}: {reason}")
        self.step = step
        self.reason = reason


class Sandbox(ImmutableSandboxedEnvironment):
    """Allows access to fields of dataclasses, entries of mappings and items of lists only."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401 - evidence may be anything
        """Returns a field of a dataclass or an entry of a mapping."""
        _require_defined(obj)
        if isinstance(obj, LenientUndefined):
            return obj
        if is_dataclass(obj) and not isinstance(obj, type):
            if attribute in {f.name for f in fields(obj)} or is_property(type(obj), attribute):
                return getattr(obj, attribute)
            return self.undefined(obj=obj, name=attribute)
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:  # noqa: ANN401
        """Returns an item of a list, else the same as `getattr`."""
        _require_defined(obj)
        if isinstance(obj, LenientUndefined):
            return obj
        if isinstance(obj, Sequence) and not isinstance(obj, str) and isinstance(argument, int | slice):
            try:
                return obj[argument]
            except (IndexError, ValueError):
                return self.undefined(f"the list has no item {argument}", obj=obj, name=str(argument))
        return self.getattr(obj, argument) if isinstance(argument, str) else self.undefined(obj=obj, name=argument)

    def is_safe_callable(self, obj: Any) -> bool:  # noqa: ANN401
        """Forbids all calls."""
        return False

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401
        """Applies an operator to numbers, or `+` to texts or lists, within MAX_OUTPUT, MAX_ITEMS and MAX_NUMBER."""
        if operator == "+" and isinstance(left, str | list | tuple) and type(left) is type(right):
            if len(left) + len(right) > (MAX_OUTPUT if isinstance(left, str) else MAX_ITEMS):
                raise SecurityError("the sum of texts or lists is too long")
        elif not (_is_number(left) and _is_number(right)):
            types = " and ".join(_type_name(side) for side in (left, right))
            raise TypeError(f"operator {operator} requires two numbers, got {types}")
        result = super().call_binop(context, operator, left, right)
        if _is_number(result) and abs(result) > MAX_NUMBER:
            raise SecurityError("the number is too large")
        return result


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _type_name(value: object) -> str:
    if value is None:
        return "NULL"
    return {str: "text", bool: "a boolean", int: "a number", float: "a number", list: "a list"}.get(
        type(value), type(value).__name__
    )


class LenientUndefined(ChainableUndefined):
    """Replaces missing evidence in a lenient template: its fields are undefined too, and it renders as `unknown`."""


def _require_defined(value: object) -> None:
    """Raises if a value, or an item of a list, is undefined."""
    if isinstance(value, Undefined) and not isinstance(value, LenientUndefined):
        value._fail_with_undefined_error()
    if isinstance(value, list | tuple):
        for each in value:
            if isinstance(each, Undefined):
                each._fail_with_undefined_error()


def _strict_scope(scope: Mapping[str, object]) -> dict[str, object]:
    """Returns the scope with each Missing replaced by a value that raises EvidenceMissing on every use."""
    return {name: _raising_value(value) if isinstance(value, Missing) else value for name, value in scope.items()}


def _lenient_scope(scope: Mapping[str, object]) -> dict[str, object]:
    """Returns the scope with each Missing replaced by LenientUndefined."""
    return {
        name: LenientUndefined(name=value.step) if isinstance(value, Missing) else value
        for name, value in scope.items()
    }


def _raising_value(missing: Missing) -> StrictUndefined:
    def raised(_: str | None = None) -> EvidenceMissing:
        return EvidenceMissing(missing.step, missing.reason)

    return StrictUndefined(hint=missing.reason, name=missing.step, exc=cast(Any, raised))


def _environment(finalize: Any = None) -> Sandbox:  # noqa: ANN401
    sandbox = Sandbox(
        undefined=StrictUndefined,
        autoescape=False,
        optimized=False,
        cache_size=0,
        finalize=finalize,
        keep_trailing_newline=False,
    )
    sandbox.globals.clear()
    sandbox.filters = dict(FILTERS)
    sandbox.tests = dict(TESTS)
    return sandbox


def _promql(value: object) -> str:
    """Escapes a value for a quoted PromQL string, so that a label of an alert cannot end the string."""
    text = str(value)
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("'", "\\'").replace("\n", "\\n")[:500]


_PLAIN = _environment(format_value)
_PROMQL = _environment(_promql)


@lru_cache(maxsize=4096)
def _expression(source: str) -> TemplateExpression:
    syntax_tree(source)
    try:
        return _PLAIN.compile_expression(source, undefined_to_none=False)
    except (TemplateError, SyntaxError, RecursionError, MemoryError) as error:
        raise ExpressionError(f"{source[:200]!r} cannot be compiled: {error}") from error


@lru_cache(maxsize=4096)
def _template(source: str, promql: bool) -> Template:
    syntax_tree(source, template=True)
    try:
        return (_PROMQL if promql else _PLAIN).from_string(source)
    except (TemplateError, SyntaxError, RecursionError, MemoryError) as error:
        raise ExpressionError(f"{source[:200]!r} cannot be compiled: {error}") from error


_FAILURES = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError)


def evaluate(source: str, scope: Mapping[str, object]) -> Any:  # noqa: ANN401 - a native value
    """Evaluates an expression to a native value.

    Raises EvidenceMissing if it reads missing evidence, and ExpressionError if it is invalid or fails.
    """
    try:
        value = _expression(source)(_strict_scope(scope))
        _require_defined(value)
    except _FAILURES as error:
        raise ExpressionError(_error_message(source, error)) from error
    return value


def holds(source: str, scope: Mapping[str, object]) -> bool:
    """Whether a condition is true; raises like `evaluate`."""
    return bool(evaluate(source, scope))


def render(source: str, scope: Mapping[str, object], *, promql: bool = False, lenient: bool = False) -> str:
    """Renders a template to at most MAX_OUTPUT characters; with `promql`, the inserted values are escaped for PromQL.

    Raises like `evaluate`. With `lenient`, missing evidence renders as `unknown` and is false in `or`.
    """
    try:
        text = _template(source, promql).render(_lenient_scope(scope) if lenient else _strict_scope(scope))
    except _FAILURES as error:
        raise ExpressionError(_error_message(source, error)) from error
    if lenient:
        text = without_unknown_units(text)
    return text if len(text) <= MAX_OUTPUT else text[: MAX_OUTPUT - 1] + "…"


def without_unknown_units(text: str) -> str:
    """Removes the unit behind an unknown value: `unknown s` is `an unknown time`, and `unknown %` is `unknown`."""
    return _UNKNOWN_UNIT.sub("unknown", _UNKNOWN_SECONDS.sub("an unknown time", text))


def _error_message(source: str, error: Exception) -> str:
    what = error.message if isinstance(error, UndefinedError | SecurityError) else str(error)
    if isinstance(error, TypeError) and "NoneType" in str(error):
        what = "a value is NULL and cannot be compared; check it with `is known` first"
    return f"{source[:200]!r}: {what}"
