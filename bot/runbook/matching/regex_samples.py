"""A few texts that a regular expression takes: what is tried where two of them might take the same. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from bot.alerts import Matcher, Operator

VARIANTS = 4
_MOST = 200
"""Characters of a sample; a longer one is cut, and so is none."""
_CATEGORIES = {codes.CATEGORY_DIGIT: "1", codes.CATEGORY_SPACE: " ", codes.CATEGORY_WORD: "a"}


def samples(matcher: Matcher) -> list[str]:
    """Texts that a regular expression takes, each by other branches of it; none where no simple one does."""
    parsed = _parsed(matcher)
    try:
        found = [_text(parsed, variant) for variant in range(VARIANTS)]
    except RecursionError:  # brackets in brackets, as no person writes them
        return []
    return [text for text in dict.fromkeys(found) if matcher.accepts(text)]


def fixed_part(matcher: Matcher) -> str:
    """The longest text, in lower case, that stands in whatever it takes; '' where it is not easy to tell."""
    if matcher.operator is Operator.EQUAL:
        return matcher.value.lower()
    longest = run = ""
    for code, argument in _parsed(matcher):
        run = run + chr(argument).lower() if code is codes.LITERAL else ""
        longest = max(longest, run, key=len)
    return longest


def _parsed(matcher: Matcher) -> Iterable[tuple[Any, Any]]:
    """The parts of the expression, in Python's reading; none of what only RE2 knows, such as \\pL."""
    try:
        parsed: Iterable[tuple[Any, Any]] = parser.parse(matcher.value)
    except (re.error, RecursionError, OverflowError):
        return ()
    return parsed


def _text(parsed: Iterable[tuple[Any, Any]], variant: int) -> str:
    return "".join(_part(code, argument, variant) for code, argument in parsed)[:_MOST]


def _part(code: Any, argument: Any, variant: int) -> str:  # noqa: ANN401 - the parser's own, without types
    if code is codes.LITERAL:
        return chr(argument)
    if code in (codes.ANY, codes.NOT_LITERAL):
        return "a" if argument != ord("a") else "b"
    if code is codes.IN:
        return _member(argument)
    if code is codes.BRANCH:
        branches = argument[1]
        return _text(branches[variant % len(branches)], variant)
    if code is codes.SUBPATTERN:
        return _text(argument[3], variant)
    if code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
        least, most, repeated = argument
        count: int = min(max(least, min(most, variant // 2)), _MOST)
        return (_text(repeated, variant) * count)[:_MOST]
    return ""  # anchors and looks around take no text; whether they hold, the pattern itself tells


def _member(members: list[tuple[Any, Any]]) -> str:
    code, argument = members[0]
    if code is codes.NEGATE:
        return "-"
    if code is codes.CATEGORY:
        return str(_CATEGORIES.get(argument, "a"))
    return chr(argument[0] if code is codes.RANGE else argument)
