"""Renders the text of `markdown` blocks as HTML: the part of Markdown that Slack supports."""

from __future__ import annotations

import re

from markupsafe import Markup

from bot.lab.slack_workspace.page.emoji import pictured
from bot.lab.slack_workspace.page.mrkdwn import anchor

BOLD = Markup("<strong>{}</strong>")
ITALIC = Markup("<em>{}</em>")
STRIKE = Markup("<del>{}</del>")
_INLINE = re.compile(
    r"`(?P<code>[^`]+)`|\[(?P<label>[^\]]+)\]\((?P<url>[^()\s]+)\)"
    r"|\*\*(?P<bold>[^*]+)\*\*|~~(?P<strike>[^~]+)~~|(?<!\w)[*_](?P<italic>[^*_]+)[*_](?!\w)"
)
_ITEM = re.compile(r"\s*(?:(?P<bullet>[-*+])|(?P<number>\d+)[.)])\s+(?P<text>.*)")


def inline(text: str) -> Markup:
    """Renders one line: code, links, bold, italic and strike."""
    shown, end = Markup(""), 0
    for found in _INLINE.finditer(text):
        shown += pictured(text[end : found.start()])
        end = found.end()
        if found["code"] is not None:
            shown += Markup("<code>{}</code>").format(found["code"])
        elif found["url"] is not None:
            shown += anchor(found["url"], found["label"])
        else:
            style = BOLD if found["bold"] else STRIKE if found["strike"] else ITALIC
            shown += style.format(inline(found["bold"] or found["strike"] or found["italic"]))
    return shown + pictured(text[end:])


def markdown(text: str) -> Markup:
    """Renders headings, paragraphs, lists, quotes, rules and fenced code."""
    shown = Markup("")
    lines = text.split("\n")
    while lines:
        line = lines.pop(0)
        if line.startswith("```"):
            code = []
            while lines and not lines[0].startswith("```"):
                code.append(lines.pop(0))
            lines = lines[1:]
            shown += Markup("<pre>{}</pre>").format("\n".join(code))
        elif heading := re.match(r"#{1,6}\s+(.*)", line):
            shown += Markup('<p class="heading">{}</p>').format(inline(heading[1]))
        elif re.fullmatch(r"\s*([-*_])(\s*\1){2,}\s*", line):
            shown += Markup("<hr>")
        elif found := _ITEM.match(line):
            around = Markup("<ul>{}</ul>") if found["bullet"] else Markup("<ol>{}</ol>")
            items = [inline(found["text"])]
            while lines and (found := _ITEM.match(lines[0])):
                items.append(inline(found["text"]))
                lines.pop(0)
            inner = Markup("").join(Markup("<li>{}</li>").format(item) for item in items)
            shown += around.format(inner)
        elif line.startswith(">"):
            shown += Markup("<blockquote>{}</blockquote>").format(inline(line.removeprefix(">").strip()))
        elif line.strip():
            shown += Markup("<p>{}</p>").format(inline(line))
    return shown
