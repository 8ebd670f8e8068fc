"""Generates sample texts that a regular expression accepts, to find patterns that overlap. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from bot.alerts import Matcher, Operator

VARIANTS = 4
_MAX_LENGTH = 200
"""The most characters of a sample; a longer one is cut off and may then not be accepted."""
_CATEGORIES = {codes.CATEGORY_DIGIT: "1", codes.CATEGORY_SPACE: " ", codes.CATEGORY_WORD: "a"}


def samples(matcher: Matcher) -> list[str]:
    """Returns accepted texts, each by different branches of the expression; none if no generated text is accepted."""
    parsed = _parsed(matcher)
    try:
        found = [_text(parsed, variant) for variant in range(VARIANTS)]
    except RecursionError:  # extremely nested brackets
        return []
    return [text for text in dict.fromkeys(found) if matcher.accepts(text)]


def fixed_part(matcher: Matcher) -> str:
    """Returns the longest text, in lower case, that every accepted text contains; '' if there is no simple one."""
    if matcher.operator is Operator.EQUAL:
        return matcher.value.lower()
    longest = run = ""
    for code, argument in _parsed(matcher):
        run = run + chr(argument).lower() if code is codes.LITERAL else ""
        longest = max(longest, run, key=len)
    return longest


def _parsed(matcher: Matcher) -> Iterable[tuple[Any, Any]]:
    """Parses the expression with Python's parser; returns nothing for syntax that only RE2 supports, such as \\pL."""
    try:
        parsed: Iterable[tuple[Any, Any]] = parser.parse(matcher.value)
    except (re.error, RecursionError, OverflowError):
        return ()
    return parsed


def _text(parsed: Iterable[tuple[Any, Any]], variant: int) -> str:
    return "".join(_part(code, argument, variant) for code, argument in parsed)[:_MAX_LENGTH]


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
        count: int = min(max(least, min(most, variant // 2)), _MAX_LENGTH)
        return (_text(repeated, variant) * count)[:_MAX_LENGTH]
    return ""  # anchors and lookarounds match no text; `samples` tests each result with the pattern


def _member(members: list[tuple[Any, Any]]) -> str:
    code, argument = members[0]
    if code is codes.NEGATE:
        return "-"
    if code is codes.CATEGORY:
        return str(_CATEGORIES.get(argument, "a"))
    return chr(argument[0] if code is codes.RANGE else argument)
