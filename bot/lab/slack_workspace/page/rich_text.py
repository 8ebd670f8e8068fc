"""Renders rich_text blocks as HTML."""

from __future__ import annotations

from markupsafe import Markup, escape

from bot.lab.slack_workspace.model import Json
from bot.lab.slack_workspace.page.emoji import EMOJI, pictured
from bot.lab.slack_workspace.page.mrkdwn import NameLookup, anchor, mention, moment

STYLES = {
    "code": Markup("<code>{}</code>"),
    "strike": Markup("<del>{}</del>"),
    "italic": Markup("<em>{}</em>"),
    "bold": Markup("<strong>{}</strong>"),
    "underline": Markup("<u>{}</u>"),
}
BULLETS = Markup('<ul class="indent-{}"{}>{}</ul>')
NUMBERS = Markup('<ol class="indent-{}"{}>{}</ol>')


def rich_text(block: Json, names: NameLookup) -> Markup:
    """Renders a rich_text block: sections, lists, preformatted text and quotes."""
    return Markup("").join(_element(element, names) for element in block.get("elements", []))


def _element(element: Json, names: NameLookup) -> Markup:
    kind = element.get("type")
    inner = element.get("elements", [])
    if kind == "rich_text_list":
        around = NUMBERS if element.get("style") == "ordered" else BULLETS
        items = Markup("").join(Markup("<li>{}</li>").format(inline(item.get("elements", []), names)) for item in inner)
        start = Markup(' start="{}"').format(int(element["offset"]) + 1) if element.get("offset") else ""
        indent = min(int(element.get("indent", 0)), 8)
        return around.format(indent, start, items)
    if kind == "rich_text_preformatted":
        return Markup("<pre>{}</pre>").format(inline(inner, names))
    if kind == "rich_text_quote":
        return Markup("<blockquote>{}</blockquote>").format(inline(inner, names))
    return Markup('<div class="rich">{}</div>').format(inline(inner, names))


def inline(elements: list[Json], names: NameLookup) -> Markup:
    """Renders the pieces of one line: text, links, mentions, emoji, dates and colours."""
    return Markup("").join(_styled(_piece(element, names), element.get("style") or {}) for element in elements)


def _styled(piece: Markup, style: Json) -> Markup:
    for name, around in STYLES.items():
        if isinstance(style, dict) and style.get(name):
            piece = around.format(piece)
    return piece


def _piece(element: Json, names: NameLookup) -> Markup:
    kind = element.get("type")
    if kind == "text":
        return Markup("<br>").join(pictured(line) for line in str(element.get("text", "")).split("\n"))
    if kind == "link":
        url = str(element.get("url", ""))
        return anchor(url, str(element.get("text") or url))
    if kind == "emoji":
        return pictured(_emoji(element))
    if kind == "user":
        return mention("@" + (names.user(element["user_id"]) or element["user_id"]), "user")
    if kind == "channel":
        return mention("#" + (names.channel(element["channel_id"]) or element["channel_id"]), "channel")
    if kind == "usergroup":
        return mention("@" + (names.group(element["usergroup_id"]) or element["usergroup_id"]), "user")
    if kind == "broadcast":
        return mention("@" + str(element.get("range", "here")), "broadcast")
    if kind == "date":
        form, fallback = str(element.get("format", "{date_short} {time}")), str(element.get("fallback", ""))
        return moment(str(element.get("timestamp")), form, fallback, names.now())
    return escape(element.get("text") or element.get("value") or f"[{kind}]")


def _emoji(element: Json) -> str:
    if element.get("unicode"):
        try:
            return "".join(chr(int(part, 16)) for part in str(element["unicode"]).split("-"))
        except (ValueError, OverflowError):
            return f":{element.get('name')}:"
    return EMOJI.get(str(element.get("name")), f":{element.get('name')}:")
