"""Quoting for PromQL: text from outside is a value there, never an expression."""

from __future__ import annotations

import json
import re


def quoted(text: str) -> str:
    """A value of a matcher, in its quotes."""
    return json.dumps(text, ensure_ascii=False)


def host_pattern(address: str) -> str:
    """A pattern, in its quotes, of what instances of the same host are called: the host with any port, or none."""
    name = address.rsplit(":", 1)[0] if ":" in address else address
    # RE2 takes an escaped character for itself, as long as it is no letter or digit.
    return quoted(re.sub(r"([^\w-])", r"\\\1", name) + "(:[0-9]+)?")
