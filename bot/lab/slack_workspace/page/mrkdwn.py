"""Renders Slack's mrkdwn as HTML; text from outside is always escaped."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from bot.lab.slack_workspace.page.emoji import pictured

LINK_SCHEMES = frozenset({"http", "https", "mailto"})
_TOKEN = re.compile(r"```(?P<block>.*?)```|`(?P<code>[^`\n]+)`|<(?P<ref>[^<>\n]+)>", re.DOTALL)
_BARE_URL = re.compile(r"https?://[^\s<>|]+[^\s<>|.,;:!?)\]'\"]")
_STYLES = (
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), "strong"),
    (re.compile(r"(?<![\w_])_(?=\S)([^_\n]+?)(?<=\S)_(?![\w_])"), "em"),
    (re.compile(r"(?<![\w~])~(?=\S)([^~\n]+?)(?<=\S)~(?![\w~])"), "del"),
)
_HOLD = "\ue000{}\ue001"  # private use: placeholder of a finished piece while the styles around it are rendered
_HELD = re.compile("\ue000(\\d+)\ue001")


def unescape(text: str) -> str:
    """Reverses Slack's escaping of & < >."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@dataclass(frozen=True, slots=True)
class NameLookup:
    """Looks up the names of users, channels and groups; each function returns None for an unknown id."""

    user: Callable[[str], str | None]
    channel: Callable[[str], str | None]
    group: Callable[[str], str | None]
    now: Callable[[], float]


def date(timestamp: float, form: str, now: float) -> str:
    """Formats a timestamp with Slack's date tokens, such as `{date_short} at {time}`, in the local time zone."""
    moment = datetime.fromtimestamp(timestamp, UTC).astimezone()
    day = f"{moment:%B} {moment.day}"
    pretty = {0: "today", 1: "yesterday", -1: "tomorrow"}.get(
        (datetime.fromtimestamp(now, UTC).astimezone().date() - moment.date()).days, f"{day}, {moment.year}"
    )
    seconds = int(now - timestamp)
    forms = {
        "{date_num}": f"{moment:%Y-%m-%d}",
        "{date_slash}": f"{moment:%m/%d/%Y}",
        "{date_long}": f"{moment:%A}, {day}, {moment.year}",
        "{date_long_pretty}": pretty,
        "{date_short}": f"{moment:%b} {moment.day}, {moment.year}",
        "{date_short_pretty}": pretty,
        "{date_pretty}": pretty,
        "{date}": f"{day}, {moment.year}",
        "{day_divider_pretty}": pretty,
        "{time}": f"{moment:%H:%M}",
        "{time_secs}": f"{moment:%H:%M:%S}",
        "{ago}": f"{abs(seconds) // 60} minutes ago" if seconds >= 0 else f"in {-seconds // 60} minutes",
    }
    return re.sub(r"\{[a-z_]+\}", lambda found: forms.get(found[0], found[0]), form)


def anchor(url: str, label: str) -> Markup:
    """Returns a link that opens in a new tab; only the label for a URL with another scheme."""
    if urlsplit(url).scheme not in LINK_SCHEMES:
        return escape(label)
    return Markup('<a href="{}" target="_blank" rel="noopener noreferrer">{}</a>').format(url, label)


def mention(text: str, kind: str = "") -> Markup:
    """Returns a highlighted reference to a user, channel or group."""
    return Markup('<span class="mention {}">{}</span>').format(kind, text)


def moment(timestamp: str, form: str, fallback: str, now: float) -> Markup:
    """Returns a date element, or its fallback when the timestamp is not a number."""
    try:
        shown = date(float(timestamp), form, now)
    except (ValueError, OverflowError, OSError):
        return escape(fallback)
    return Markup('<time title="{}">{}</time>').format(fallback, shown)


def _reference(inner: str, names: NameLookup) -> Markup:
    target, _, label = inner.partition("|")
    kind, rest = target[:1], target[1:]
    if kind == "@":
        return mention("@" + (names.user(rest) or unescape(label) or rest), "user")
    if kind == "#":
        return mention("#" + (names.channel(rest) or unescape(label) or rest), "channel")
    if kind == "!":
        what, _, details = rest.partition("^")
        if what == "date":
            timestamp, _, form = details.partition("^")
            form, _, link = form.partition("^")
            shown = moment(timestamp, unescape(form), unescape(label), names.now())
            return Markup('<a href="{}" rel="noopener noreferrer">{}</a>').format(link, shown) if _web(link) else shown
        if what == "subteam":
            return mention("@" + (names.group(details) or unescape(label).removeprefix("@") or details), "user")
        return mention("@" + what, "broadcast")
    url = unescape(target)
    return anchor(url, unescape(label) or url.removeprefix("mailto:"))


def _web(url: str) -> bool:
    return urlsplit(url).scheme in ("http", "https")


def mrkdwn(text: str, names: NameLookup, verbatim: bool = False) -> Markup:
    """Renders mrkdwn: references, links, code, bold, italic, strike, quotes, emoji and line breaks."""
    held: list[Markup] = []

    def hold(piece: Markup) -> str:
        held.append(piece)
        return _HOLD.format(len(held) - 1)

    def token(found: re.Match[str]) -> str:
        if found["block"] is not None:
            return hold(Markup("<pre>{}</pre>").format(unescape(found["block"]).strip("\n")))
        if found["code"] is not None:
            return hold(Markup("<code>{}</code>").format(unescape(found["code"])))
        return hold(_reference(found["ref"], names))

    text = _TOKEN.sub(token, text.replace("\ue000", "").replace("\ue001", ""))
    if not verbatim:
        text = _BARE_URL.sub(lambda found: hold(anchor(unescape(found[0]), unescape(found[0]))), text)
    lines = _quoted(str(pictured(unescape(text))))
    for pattern, tag in _STYLES:
        lines = pattern.sub(rf"<{tag}>\1</{tag}>", lines)
    lines = _HELD.sub(lambda found: str(held[int(found[1])]), lines)
    return Markup(lines)  # noqa: S704 - all pieces are escaped above


def _quoted(text: str) -> str:
    shown: list[str] = []
    for line in text.split("\n"):
        quote = line.startswith("&gt;")
        if quote:
            line = line.removeprefix("&gt;").removeprefix(" ")
        if quote and shown and shown[-1].endswith("</blockquote>"):
            shown[-1] = shown[-1].removesuffix("</blockquote>") + f"<br>{line}</blockquote>"
        else:
            shown.append(f"<blockquote>{line}</blockquote>" if quote else line)
    joined = "<br>".join(shown)
    return joined.replace("</blockquote><br>", "</blockquote>").replace("<br><blockquote>", "<blockquote>")
