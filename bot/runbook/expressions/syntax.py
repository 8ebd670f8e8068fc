"""Parses expressions and templates into syntax trees with offsets, and rejects what runbooks must not use. Pure.

The syntax is a subset of Jinja2's: names, fields, comparisons, arithmetic and some filters, without calls, assignments
and loops.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import lru_cache

from jinja2 import TemplateSyntaxError, nodes
from jinja2.lexer import TokenStream
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bot.errors import RunbookError
from bot.runbook.expressions.filters import FILTERS, TESTS

MAX_DEPTH = 100
"""The most levels of a syntax tree; a chain such as `a and b and c` has one level per operator."""
MAX_SOURCE = 2000
"""The most characters of an expression or template."""
MAX_NESTING = 20
"""The most levels of brackets."""


class ExpressionError(RunbookError):
    """An expression is invalid, or cannot be evaluated with this evidence."""

    def __init__(
        self, message: str, *, rule: str = "expression-syntax", offset: int | None = None, suggestion: str = ""
    ) -> None:
        super().__init__(f"{message}; {suggestion}" if suggestion else message)
        self.message = message
        self.rule = rule
        """The id of the lint rule that the expression violates."""
        self.offset = offset
        """Where in the source the error is, from 0."""
        self.suggestion = suggestion


_GRAMMAR = ImmutableSandboxedEnvironment(autoescape=False, optimized=False, cache_size=0)
_ALLOWED = (
    nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Compare,
    nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div,
    nodes.FloorDiv, nodes.Mod, nodes.Concat, nodes.CondExpr, nodes.Filter, nodes.Test, nodes.Keyword,
    nodes.Output,
)  # fmt: skip
_TOO_DEEP = "Expression is nested too deeply"
_RESERVED = frozenset({"self", "super", "loop", "caller", "varargs", "kwargs"})
_INNER = re.compile(r"\s*\{\{-?((?:(?!\}\}|\{\{).)*?)-?\}\}\s*", re.DOTALL)
_FORBIDDEN = "forbidden-expression"


def sole_expression(text: str) -> str | None:
    """Returns the expression of a text that is exactly one `{{ ... }}`, else None."""
    found = sole_expression_at(text)
    return found[0] if found else None


def sole_expression_at(text: str) -> tuple[str, int] | None:
    """Returns the expression of a text that is exactly one `{{ ... }}`, and its offset in the text; else None."""
    found = _INNER.fullmatch(text)
    if found is None:
        return None
    return found[1].strip(), found.start(1) + len(found[1]) - len(found[1].lstrip())


def syntax_tree(source: str, *, template: bool = False) -> nodes.Node:
    """Returns the syntax tree of an expression, or of all expressions of a template as one Output node.

    A node's `lineno` is its offset in the source (from 0): that of its first character, its operator or its name.
    Raises ExpressionError.
    """
    return _parse(source, template)


@lru_cache(maxsize=2048)
def _parse(source: str, template: bool) -> nodes.Node:
    _guard(source)
    try:
        parser = Parser(_GRAMMAR, "")
        parser.stream = TokenStream(_GRAMMAR.lexer.wrap(_tokens(source, template)), None, None)
        parsed: nodes.Node = _expressions(parser.parse()) if template else parser.parse_expression()
        if not template and not parser.stream.eos:
            message = f"Unexpected text after the end of the expression {_short(source)}"
            raise ExpressionError(message, offset=parser.stream.current.lineno)
        _inspect(parsed)
    except TemplateSyntaxError as error:
        raise ExpressionError(f"Invalid expression {_short(source)}: {error.message}", offset=error.lineno) from error
    except RecursionError:
        raise ExpressionError(_TOO_DEEP) from None
    return parsed


def _tokens(source: str, template: bool) -> Iterator[tuple[int, str, str]]:
    """Yields Jinja2's tokens with their offset instead of their line, since an expression often is one line."""
    at = 0
    try:
        for _, kind, text in _GRAMMAR.lexer.tokeniter(source, None, None, None if template else "variable"):
            # The lexer drops only white space, so a token begins where the one before it ended, or soon after.
            at = max(at, source.find(text, at))
            yield at, kind, text
            at += len(text)
    except TemplateSyntaxError as error:
        raise TemplateSyntaxError(error.message or "", min(at, len(source))) from error


def _expressions(template: nodes.Template) -> nodes.Output:
    """Returns the expressions of a template without the text around them."""
    for each in template.body:
        if not isinstance(each, nodes.Output):
            return nodes.Output([each], lineno=each.lineno)  # a statement, which _inspect rejects
    parts = [part for each in template.find_all(nodes.Output) for part in each.nodes]
    return nodes.Output([part for part in parts if not isinstance(part, nodes.TemplateData)], lineno=0)


def children(node: nodes.Node) -> Iterator[nodes.Node]:
    """Yields the child nodes, like Jinja2's iter_child_nodes but at half its cost."""
    for name in node.fields:
        part = getattr(node, name)
        if isinstance(part, nodes.Node):
            yield part
        elif isinstance(part, list):
            for each in part:
                if isinstance(each, nodes.Node):
                    yield each


def walk(node: nodes.Node) -> Iterator[nodes.Node]:
    """Yields a node and all its descendants."""
    yield node
    for child in children(node):
        yield from walk(child)


def _short(source: str) -> str:
    return repr(source if len(source) <= 120 else source[:119] + "…")


def _guard(source: str) -> None:
    if len(source) > MAX_SOURCE:
        raise ExpressionError(f"Expression of {len(source):,} characters exceeds the limit of {MAX_SOURCE:,}")
    for mark in ("{%", "{#"):
        if mark in source:
            message = "Statements and comments ({% %}, {# #}) are not allowed; use an expression ({{ }})"
            raise ExpressionError(message, rule=_FORBIDDEN, offset=source.index(mark))
    depth = 0
    for at, character in enumerate(source):
        depth += (character in "([{") - (character in ")]}")
        if depth > MAX_NESTING:
            raise ExpressionError(f"Brackets are nested more than {MAX_NESTING} levels deep", offset=at)


def _inspect(node: nodes.Node, depth: int = 0) -> None:
    """Rejects nodes that are not allowed, unknown filters and tests, private names, and too many levels."""
    if depth > MAX_DEPTH:
        raise ExpressionError(_TOO_DEEP, offset=node.lineno)
    if isinstance(node, nodes.Call):
        message = "Calls are not allowed in an expression; use fields and filters"
        raise ExpressionError(message, rule=_FORBIDDEN, offset=node.lineno)
    if not isinstance(node, _ALLOWED):
        kind = "Operator **" if isinstance(node, nodes.Pow) else f"{type(node).__name__} syntax"
        raise ExpressionError(f"{kind} is not allowed in an expression", rule=_FORBIDDEN, offset=node.lineno)
    if isinstance(node, nodes.Name) and node.name in _RESERVED:
        raise ExpressionError(f"Name {node.name!r} is reserved by Jinja2", rule=_FORBIDDEN, offset=node.lineno)
    if isinstance(node, nodes.Const) and isinstance(node.value, float) and not math.isfinite(node.value):
        raise ExpressionError("Number is too large", offset=node.lineno)
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        message = f"Unknown filter {node.name!r}; the filters are {', '.join(sorted(FILTERS))}"
        raise ExpressionError(message, rule="unknown-filter", offset=node.lineno)
    if isinstance(node, nodes.Test) and node.name not in TESTS:
        message = f"Unknown test {node.name!r}; the tests are {', '.join(sorted(TESTS))}"
        raise ExpressionError(message, rule="unknown-filter", offset=node.lineno)
    name = node.attr if isinstance(node, nodes.Getattr) else getattr(node, "name", None)
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        name = node.arg.value
    if isinstance(name, str) and name.startswith("_"):
        message = f"Name {name!r} begins with an underscore and is private"
        raise ExpressionError(message, rule=_FORBIDDEN, offset=node.lineno)
    for child in children(node):
        _inspect(child, depth + 1)
