"""Markdown tables and the anchors of headings. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a table; line breaks and bars within a cell are replaced."""
    lines = [" | ".join(columns), "|".join("---" for _ in columns), *(" | ".join(map(_cell, row)) for row in rows)]
    return "\n".join(f"| {line} |" if number != 1 else f"|{line}|" for number, line in enumerate(lines))


def anchor(heading: str) -> str:
    """Returns the anchor under which a heading is reached, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
