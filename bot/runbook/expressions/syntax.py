"""The syntax of expressions and templates: what may stand in them, as a tree that knows its places. Pure.

It is Jinja2's, cut down to names, fields, comparisons, arithmetic and a few filters. Nothing can be called, assigned or
looped over.
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
"""Parts of an expression within one another; a chain of `a and b and ...` counts one for each."""
MAX_SOURCE = 2000
"""Characters of one expression or template."""
MAX_NESTING = 20


class ExpressionError(RunbookError):
    """An expression that cannot be used, or that this evidence does not suit."""

    def __init__(
        self, says: str, *, rule: str = "expression-syntax", at: int | None = None, suggestion: str = ""
    ) -> None:
        super().__init__(f"{says}; {suggestion}" if suggestion else says)
        self.says = says
        self.rule = rule
        """The linter's rule that it breaks."""
        self.at = at
        """The character of the source that is meant, from 0."""
        self.suggestion = suggestion


_GRAMMAR = ImmutableSandboxedEnvironment(autoescape=False, optimized=False, cache_size=0)
_ALLOWED = (
    nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Compare,
    nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div,
    nodes.FloorDiv, nodes.Mod, nodes.Concat, nodes.CondExpr, nodes.Filter, nodes.Test, nodes.Keyword,
    nodes.Output,
)  # fmt: skip
_MEANINGLESS = frozenset({"self", "super", "loop", "caller", "varargs", "kwargs"})
_INNER = re.compile(r"\s*\{\{-?((?:(?!\}\}|\{\{).)*?)-?\}\}\s*", re.DOTALL)
_FORBIDDEN = "forbidden-expression"


def whole(written: str) -> str | None:
    """The expression of a text that is exactly one `{{ ... }}`, else None."""
    found = whole_at(written)
    return found[0] if found else None


def whole_at(written: str) -> tuple[str, int] | None:
    """The expression of a text that is exactly one `{{ ... }}`, and where in the text it begins; else None."""
    found = _INNER.fullmatch(written)
    if found is None:
        return None
    return found[1].strip(), found.start(1) + len(found[1]) - len(found[1].lstrip())


def tree_of(source: str, *, template: bool = False) -> nodes.Node:
    """The syntax tree of an expression, or of all expressions of a template as one Output; raises ExpressionError.

    A node's `lineno` is the character of the source, from 0, that it is known by: its first, or its operator or name.
    """
    return _tree_of(source, template)


@lru_cache(maxsize=2048)
def _tree_of(source: str, template: bool) -> nodes.Node:
    _guard(source)
    try:
        parser = Parser(_GRAMMAR, "")
        parser.stream = TokenStream(_GRAMMAR.lexer.wrap(_tokens(source, template)), None, None)
        parsed: nodes.Node = _expressions(parser.parse()) if template else parser.parse_expression()
        if not template and not parser.stream.eos:
            says = f"{_short(source)} goes on after the expression has ended"
            raise ExpressionError(says, at=parser.stream.current.lineno)
        _inspect(parsed)
    except TemplateSyntaxError as error:
        raise ExpressionError(f"{_short(source)} is not an expression: {error.message}", at=error.lineno) from error
    except RecursionError:
        raise ExpressionError("the expression is nested too deeply") from None
    return parsed


def _tokens(source: str, template: bool) -> Iterator[tuple[int, str, str]]:
    """Jinja2's tokens, each with its offset in place of its line: one line of YAML may hold all of an expression."""
    at = 0
    try:
        for _, kind, text in _GRAMMAR.lexer.tokeniter(source, None, None, None if template else "variable"):
            # The lexer drops nothing but white space, so a token's text is found where it ended, or soon after.
            at = max(at, source.find(text, at))
            yield at, kind, text
            at += len(text)
    except TemplateSyntaxError as error:
        raise TemplateSyntaxError(error.message or "", min(at, len(source))) from error


def _expressions(template: nodes.Template) -> nodes.Output:
    """What a template computes: all that stands between {{ and }}, without the text around it."""
    for each in template.body:
        if not isinstance(each, nodes.Output):
            return nodes.Output([each], lineno=each.lineno)  # a statement, which _inspect refuses
    parts = [part for each in template.find_all(nodes.Output) for part in each.nodes]
    return nodes.Output([part for part in parts if not isinstance(part, nodes.TemplateData)], lineno=0)


def children(node: nodes.Node) -> Iterator[nodes.Node]:
    """The parts of a node, as Jinja2's own iter_child_nodes, without its options and at half its cost."""
    for name in node.fields:
        part = getattr(node, name)
        if isinstance(part, nodes.Node):
            yield part
        elif isinstance(part, list):
            for each in part:
                if isinstance(each, nodes.Node):
                    yield each


def every_node(node: nodes.Node) -> Iterator[nodes.Node]:
    """A node and all below it."""
    yield node
    for child in children(node):
        yield from every_node(child)


def _short(source: str) -> str:
    return repr(source if len(source) <= 120 else source[:119] + "…")


def _guard(source: str) -> None:
    if len(source) > MAX_SOURCE:
        raise ExpressionError(f"the text has {len(source):,} characters; {MAX_SOURCE:,} are the most")
    for mark in ("{%", "{#"):
        if mark in source:
            says = "statements and comments ({% %}, {# #}) are not taken; an expression is enough"
            raise ExpressionError(says, rule=_FORBIDDEN, at=source.index(mark))
    depth = 0
    for at, character in enumerate(source):
        depth += (character in "([{") - (character in ")]}")
        if depth > MAX_NESTING:
            raise ExpressionError(f"the brackets are nested more than {MAX_NESTING} deep", at=at)


def _inspect(node: nodes.Node, depth: int = 0) -> None:
    """Refuses every kind of node that is not needed, every name that begins with an underscore, and too many levels."""
    if depth > MAX_DEPTH:
        raise ExpressionError("the expression is nested too deeply", at=node.lineno)
    if isinstance(node, nodes.Call):
        says = "nothing can be called in an expression; read fields and use filters"
        raise ExpressionError(says, rule=_FORBIDDEN, at=node.lineno)
    if not isinstance(node, _ALLOWED):
        kind = "a power (**)" if isinstance(node, nodes.Pow) else type(node).__name__.lower()
        raise ExpressionError(f"{kind} is not taken in an expression", rule=_FORBIDDEN, at=node.lineno)
    if isinstance(node, nodes.Name) and node.name in _MEANINGLESS:
        raise ExpressionError(f"{node.name!r} means nothing here", rule=_FORBIDDEN, at=node.lineno)
    if isinstance(node, nodes.Const) and isinstance(node.value, float) and not math.isfinite(node.value):
        raise ExpressionError("a number is too large", at=node.lineno)
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        says = f"there is no filter {node.name!r}; the filters are {', '.join(sorted(FILTERS))}"
        raise ExpressionError(says, rule="unknown-filter", at=node.lineno)
    if isinstance(node, nodes.Test) and node.name not in TESTS:
        says = f"there is no test {node.name!r}; the tests are {', '.join(sorted(TESTS))}"
        raise ExpressionError(says, rule="unknown-filter", at=node.lineno)
    name = node.attr if isinstance(node, nodes.Getattr) else getattr(node, "name", None)
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        name = node.arg.value
    if isinstance(name, str) and name.startswith("_"):
        says = f"{name!r} begins with an underscore; such names are not for runbooks"
        raise ExpressionError(says, rule=_FORBIDDEN, at=node.lineno)
    for child in children(node):
        _inspect(child, depth + 1)
