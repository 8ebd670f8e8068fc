"""Builds Block Kit blocks from untrusted text: escaped, and within Slack's limits. Pure."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeAlias

Block: TypeAlias = dict[str, Any]

SECTION = 2900
"""Characters of a section's text; Slack accepts 3000."""
CELL = 220
"""Characters of a table cell."""
ROWS = 20
"""Rows of a table."""
BUDGET = 10_000
"""Characters of a message: Slack fails above about 11,000, an undocumented limit."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def plain(text: object, limit: int = 500) -> str:
    """Returns one line of text without control and direction characters, for elements without markup."""
    folded = _CONTROL.sub(" ", unicodedata.normalize("NFC", str(text)))
    folded = " ".join(folded.split())
    return folded if len(folded) <= limit else folded[: limit - 1] + "…"


def escape(text: object, limit: int = 500) -> str:
    """Returns text for mrkdwn: as `plain`, without characters that start a link, a mention or formatting."""
    return _inert(plain(text, limit))


def _inert(text: str) -> str:
    """Replaces the characters that have a meaning in mrkdwn."""
    safe = text.replace("`", "ˋ").replace("*", "∗").replace("~", "∼")
    safe = re.sub(r"(?<!\w)_|_(?!\w)", "\u02cd", safe)
    return safe.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def sentence(text: str, limit: int = 1500) -> str:
    """Returns one of Firstmate's own sentences for mrkdwn: escaped except for mentions of users (`<@U…>`)."""
    parts = plain(text, limit).split("<@")
    safe = _inert(parts[0])
    for part in parts[1:]:
        user, closed, rest = part.partition(">")
        known = closed and user[:1] in "UW" and user.isalnum()
        safe += f"<@{user}>{_inert(rest)}" if known else _inert(f"<@{part}")
    return safe


def code(text: object, limit: int = 200) -> str:
    """Returns a short value as inline code."""
    return f"`{escape(text, limit)}`" if str(text) else ""


def link(url: str, label: str) -> str:
    """Returns a link, or only the label if the URL is not plain http(s)."""
    if not re.fullmatch(r"https?://[^\s<>|]{1,2000}", url):
        return escape(label)
    safe = url.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")
    return f"<{safe}|{escape(label)}>"


def moment(at: datetime, form: str = "{time_secs}") -> str:
    """Returns a time that Slack shows in each reader's time zone."""
    return f"<!date^{int(at.timestamp())}^{form}|{at:%H:%M:%S} UTC>"


def duration(seconds: float) -> str:
    """Formats seconds, such as 45 s, 6 min or 2 h 5 min."""
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def header(text: str) -> Block:
    return {"type": "header", "text": {"type": "plain_text", "text": plain(text, 148), "emoji": True}}


def section(text: str, fields: Sequence[str] = ()) -> Block:
    """A section of a text, of short texts beside each other, or of both; all are mrkdwn made of escaped parts."""
    block: Block = {"type": "section"}
    if text:
        block["text"] = {"type": "mrkdwn", "text": _cut(text, SECTION), "verbatim": True}
    if fields:
        block["fields"] = [{"type": "mrkdwn", "text": _cut(f, 1900), "verbatim": True} for f in fields[:10]]
    return block


def context(*texts: str) -> Block:
    elements = [{"type": "mrkdwn", "text": _cut(t, 1900), "verbatim": True} for t in texts if t]
    return {"type": "context", "elements": elements[:10]}


def preformatted(lines: Sequence[str]) -> Block:
    """Shows statements verbatim, as rich text, in which markup has no effect."""
    text = "\n".join(plain(line, 2000) for line in lines)
    element = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": _cut(text, SECTION)}]}
    return {"type": "rich_text", "elements": [element]}


def fenced(text: str, limit: int) -> str:
    """Returns text for a code fence in mrkdwn, with every fence inside it replaced."""
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("```", "ˋˋˋ")
    return safe if len(safe) <= limit else safe[:limit] + "\n…"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Block:
    """Builds a table of plain cells. The last column may wrap; the last row counts rows that were left out."""
    kept = [list(row) for row in rows[:ROWS]]
    if len(rows) > ROWS:
        kept.append([f"{len(rows) - ROWS} more", *[""] * (len(head) - 1)])
    cells = [[{"type": "raw_text", "text": plain(c, CELL) or "–"} for c in row] for row in [list(head), *kept]]
    return {
        "type": "table",
        "rows": cells,
        "column_settings": [{"is_wrapped": at == len(head) - 1} for at in range(len(head))],
    }


def button(action: str, label: str, value: str, *, style: str = "", confirm: Block | None = None) -> Block:
    block: Block = {
        "type": "button",
        "action_id": action,
        "text": {"type": "plain_text", "text": plain(label, 70), "emoji": True},
        "value": value,
    }
    if style:
        block["style"] = style
    if confirm is not None:
        block["confirm"] = confirm
    return block


def confirm(title: str, text: str, yes: str, *, danger: bool = False) -> Block:
    def words(value: str, limit: int) -> Block:
        return {"type": "plain_text", "text": plain(value, limit)}

    return {
        "title": words(title, 95),
        "text": words(text, 290),
        "confirm": words(yes, 28),
        "deny": words("Cancel", 28),
        "style": "danger" if danger else "primary",
    }


def actions(*buttons: Block) -> Block:
    return {"type": "actions", "elements": list(buttons)}


def numbered(blocks: Sequence[Block], key: str) -> list[Block]:
    """Gives every block an id that changes with its content, so that clients redraw it."""
    return [{**block, "block_id": f"{key}:{number}:{_revision(block)}"[:250]} for number, block in enumerate(blocks)]


def _revision(block: Block) -> str:
    return hashlib.sha256(json.dumps(block, sort_keys=True).encode()).hexdigest()[:8]


def fitting(blocks: Sequence[Block]) -> list[Block]:
    """Returns the first blocks that fit a message, and a note about those left out."""
    kept: list[Block] = []
    size = 0
    for block in blocks:
        size += _characters(block)
        if size > BUDGET or len(kept) >= 48:
            kept.append(context(f"{len(blocks) - len(kept)} more parts did not fit into one message."))
            break
        kept.append(block)
    return kept


def _characters(value: object) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(_characters(each) for name, each in value.items() if name not in ("type", "block_id", "action_id"))
    if isinstance(value, list):
        return sum(map(_characters, value))
    return 0


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
