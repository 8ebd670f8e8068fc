"""The syntax of `match`: one matcher, several with commas between, or a list of them. Pure."""

from __future__ import annotations

from bot.alerts import Matcher, parse_matcher
from bot.errors import WrongUsage

MAX_LENGTH = 1000
"""The longest text of one alternative."""


def entry(written: object) -> tuple[Matcher, ...]:
    """Parses one alternative of `match`, a conjunction; raises ValueError with what is wrong and an example."""
    parts = written if isinstance(written, list | tuple) else [written]
    matchers: list[Matcher] = []
    for part in parts:
        if not isinstance(part, str):
            raise ValueError(f'{part!r} is not a matcher; write it as text, e.g. alertname = "MySQLReplicationLag"')
        matchers.extend(_parse(text) for text in _split(part))
    if not matchers:
        raise ValueError("an alternative of `match` needs at least one matcher")
    return tuple(matchers)


def _split(text: str) -> list[str]:
    """Cuts at commas outside of quotes; braces around the whole, as Alertmanager writes them, are dropped."""
    bare = text.strip()
    if len(bare) > MAX_LENGTH:
        raise ValueError(f"a matcher of {len(bare):,} characters is too long; {MAX_LENGTH:,} are the most")
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
