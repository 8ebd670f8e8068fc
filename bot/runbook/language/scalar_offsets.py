"""Maps a character of a YAML scalar's value to its position in the file, for every scalar style. Pure."""

from __future__ import annotations

import re

_HEADER = re.compile(r"[|>][^\n]*\n")
_BREAK = re.compile(r"\r\n|\r|\n")


def raw_offset(raw: str, value: str, at: int) -> int:
    """Returns the offset in `raw`, the source text of a scalar, of the character at offset `at` of its value.

    Folding changes only white space, so the other characters are counted on both sides; an escape sequence counts as
    one character. If the counts do not match, the closest offset is returned.
    """
    remaining = sum(not character.isspace() for character in value[:at])
    header = _HEADER.match(raw)
    position = header.end() if header else int(raw[:1] in ("'", '"') and len(raw) > 1)
    style = "" if header else raw[:1]
    while position < len(raw):
        character = raw[position]
        width = 1
        if style == '"' and character == "\\":
            width = _escape(raw, position)
            counts = raw[position + 1 : position + 2] not in ("n", "t", "r", "\n", "\r", " ", "_", "N", "L", "P")
        elif style == "'" and raw.startswith("''", position):
            width, counts = 2, True
        else:
            counts = not character.isspace()
        if counts:
            if remaining == 0:
                return position
            remaining -= 1
        position += width
    return max(0, len(raw.rstrip()) - 1)


def _escape(raw: str, position: int) -> int:
    """Returns the length of an escape sequence in a double-quoted scalar."""
    return {"x": 4, "u": 6, "U": 10}.get(raw[position + 1 : position + 2], 2)


def advance(line: int, column: int, text: str) -> tuple[int, int]:
    """Returns the line and column at the end of `text`, which starts at `line` and `column`."""
    breaks = list(_BREAK.finditer(text))
    if not breaks:
        return line, column + len(text)
    return line + len(breaks), len(text) - breaks[-1].end() + 1
