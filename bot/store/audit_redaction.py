"""Takes secrets out of what is kept for ever. Pure.

Statements of ours and normalised statements of others hold no secret; what people type and what servers answer may.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

HIDDEN = "***"
_SECRETS = (
    re.compile(r"\b(?:xox[a-z]|xapp|xwfp)-[\w-]{6,}"),  # Slack's tokens
    re.compile(r"(?<=\bBearer )[\w.~+/=-]{8,}", re.IGNORECASE),
    re.compile(r"(?<=://)[^\s/:@]+:[^\s/@]+(?=@)"),  # user:password@ in a URL
    re.compile(
        r"(?:(?<=IDENTIFIED BY )|(?<=PASSWORD\()|(?<=PASSWORD=)|(?<=PASSWORD =))\s*'(?:[^']|'')*'", re.IGNORECASE
    ),
    re.compile(r"(?i)(?<=password[:=])\s*[^\s,;'\"]+|(?<=passwd[:=])\s*[^\s,;'\"]+|(?<=secret[:=])\s*[^\s,;'\"]+"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
)


def redacted(value: object) -> object:
    """The value with every secret in its texts hidden, however deep."""
    if isinstance(value, str):
        for secret in _SECRETS:
            value = secret.sub(HIDDEN, value)
        return value
    if isinstance(value, Mapping):
        return {key: redacted(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(each) for each in value]
    return value
