"""Parses an alternative of `match`: one matcher, several separated by commas, or a list of matchers. Pure."""

from __future__ import annotations

from bot.alerts import Matcher, parse_matcher
from bot.errors import WrongUsage

MAX_LENGTH = 1000
"""The most characters of an alternative."""


def parse_alternative(value: object) -> tuple[Matcher, ...]:
    """Returns the matchers of one alternative, all of which must match; raises ValueError."""
    parts = value if isinstance(value, list | tuple) else [value]
    matchers: list[Matcher] = []
    for part in parts:
        if not isinstance(part, str):
            raise ValueError(f'{part!r} is not a matcher; use text such as alertname = "MySQLReplicationLag"')
        matchers.extend(_parse(text) for text in _split(part))
    if not matchers:
        raise ValueError("An alternative of `match` must have at least one matcher")
    return tuple(matchers)


def _split(text: str) -> list[str]:
    """Splits at commas outside quotes, after removing the surrounding braces of Alertmanager's notation."""
    bare = text.strip()
    if len(bare) > MAX_LENGTH:
        raise ValueError(f"Matcher of {len(bare):,} characters exceeds the limit of {MAX_LENGTH:,}")
    if bare.startswith("{") and bare.endswith("}"):
        bare = bare[1:-1].rstrip().removesuffix(",")
    parts, quoted, escaped = [""], False, False
    for character in bare:
        if character == "," and not quoted:
            parts.append("")
            continue
        parts[-1] += character
        quoted ^= character == '"' and not escaped
        escaped = character == "\\" and not escaped
    return parts


def _parse(text: str) -> Matcher:
    try:
        return parse_matcher(text)
    except WrongUsage as error:
        raise ValueError(str(error)) from error
