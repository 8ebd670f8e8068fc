"""Quoting for PromQL: text from outside becomes a value, never an expression."""

from __future__ import annotations

import json
import re


def quoted(text: str) -> str:
    """Returns the quoted value of a label matcher."""
    return json.dumps(text, ensure_ascii=False)


def host_pattern(address: str) -> str:
    """Returns a quoted pattern that matches the host of an address with any port, or with none."""
    name = address.rsplit(":", 1)[0] if ":" in address else address
    # RE2 reads an escaped character literally unless it is a letter or a digit.
    return quoted(re.sub(r"([^\w-])", r"\\\1", name) + "(:[0-9]+)?")
