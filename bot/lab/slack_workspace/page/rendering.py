"""Renders the page's templates, and defines their filters."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from urllib.parse import urlsplit

import jinja2
from markupsafe import Markup

from bot.lab.slack_workspace.block_kit.block_rules import BLOCKS
from bot.lab.slack_workspace.block_kit.element_rules import IN_ACTIONS, IN_INPUT
from bot.lab.slack_workspace.block_kit.element_values import initial, options_of
from bot.lab.slack_workspace.files import INLINE
from bot.lab.slack_workspace.model import Json, JsonValue
from bot.lab.slack_workspace.page.charts import chart
from bot.lab.slack_workspace.page.emoji import pictured, with_emoji
from bot.lab.slack_workspace.page.markdown import markdown
from bot.lab.slack_workspace.page.mrkdwn import LINK_SCHEMES, NameLookup, date, mrkdwn, unescape
from bot.lab.slack_workspace.page.rich_text import rich_text
from bot.lab.slack_workspace.workspace_state import WorkspaceState

TEMPLATES = Path(__file__).parent / "templates"
NAMED = {"good": "#2eb886", "warning": "#daa038", "danger": "#a30200"}


class Rendering:
    """Renders templates for one workspace; text from outside is always escaped."""

    def __init__(self, state: WorkspaceState) -> None:
        self._state = state
        self._names = NameLookup(self._user_name, self._channel_name, self._group_name, state.clock)
        self._jinja = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
        )
        self._jinja.policies["json.dumps_kwargs"] = {"sort_keys": False, "ensure_ascii": False}
        self._jinja.filters |= {
            "author": self.author,
            "by_day": self._by_day,
            "chart": chart,
            "choices": self._choices,
            "clock": lambda t: f"{self._local(float(t)):%H:%M:%S}",
            "colour": colour,
            "emoji": with_emoji,
            "full_time": lambda ts: f"{self._local(float(ts)):%A, %d %B %Y %H:%M:%S}",
            "image_source": self._image_source,
            "initial": initial,
            "markdown": markdown,
            "mrkdwn": lambda text, verbatim=False: mrkdwn(str(text), self._names, bool(verbatim)),
            "permalink": self._permalink,
            "plain": lambda text: pictured(unescape(str(text))),
            "rich": lambda block: rich_text(block, self._names),
            "speaker": self.speaker,
            "thread_link": lambda m: f"/c/{self._channel_of(m)}?thread={m.get('thread_ts') or m['ts']}",
            "time": lambda ts: f"{self._local(float(ts)):%H:%M}",
            "weblink": weblink,
        }
        self._jinja.globals |= {
            "known_blocks": set(BLOCKS) - {"context_actions", "file", "video"},
            "known_elements": IN_ACTIONS | IN_INPUT,
            "inline_types": INLINE,
            "shortcuts": [one for one in state.manifest.shortcuts if one.kind == "message"],
        }

    def show(self, template: str, **values: object) -> str:
        """Returns the HTML of a template."""
        return self._jinja.get_template(template).render(**values)

    def author(self, message: Json) -> Json:
        """Returns how to show the author of a message: name, colour, icon, and whether it is an app."""
        who = self.speaker(str(message.get("user") or message.get("bot_id") or ""))
        return {**who, "name": str(message.get("username") or who["name"])}

    def speaker(self, known_as: str) -> Json:
        """Returns how to show a user or bot, by user id or bot id."""
        bot = self._state.bots.get(known_as)
        user = self._state.users.get(bot.user_id if bot else known_as)
        if user is None:
            return {"name": "Slackbot", "colour": "616061", "app": False, "icon": ""}
        other = "OTHER TEAM" if user.team_id != self._state.team_id else "GUEST" if user.is_restricted else ""
        icon = {"U0FIRSTMATE": "anchor", "U0ALERTMGR": "siren"}.get(user.id, "")
        return {"name": user.real_name, "colour": user.colour, "app": user.is_bot, "icon": icon, "other": other}

    def _user_name(self, user: str) -> str | None:
        return self._state.users[user].real_name if user in self._state.users else None

    def _channel_name(self, channel: str) -> str | None:
        return self._state.channels[channel].name if channel in self._state.channels else None

    def _group_name(self, group: str) -> str | None:
        return self._state.usergroups[group].handle if group in self._state.usergroups else None

    def _local(self, timestamp: float) -> datetime:
        return datetime.fromtimestamp(timestamp, UTC).astimezone()

    def _by_day(self, messages: list[Json]) -> list[tuple[str, list[Json]]]:
        def day(message: Json) -> str:
            return date(float(message["ts"]), "{date_pretty}", self._state.clock()).capitalize()

        return [(name, list(items)) for name, items in groupby(messages, key=day)]

    def _channel_of(self, message: Json) -> str:
        if "channel" in message:
            return str(message["channel"])
        found = (c for c, messages in self._state.messages.by_channel.items() if messages.get(message["ts"]) is message)
        return next(found, "")

    def _permalink(self, message: Json) -> str:
        if message.get("is_ephemeral"):
            return f"#m-{message['ts']}"
        return f"/archives/{self._channel_of(message)}/p{message['ts'].replace('.', '')}"

    def _choices(self, element: Json) -> list[Json]:
        people = {user.id: user.real_name for user in self._state.users.values() if not user.deleted}
        places = {channel.id: f"#{channel.name}" for channel in self._state.channels.values()}
        kind = str(element["type"])
        named = (
            people
            if kind.endswith("users_select")
            else places
            if kind.endswith(("conversations_select", "channels_select"))
            else {}
        )
        return [*options_of(element), *({"value": key, "text": {"text": name}} for key, name in named.items())]

    def _image_source(self, block: Json) -> str:
        slack_file = block.get("slack_file")
        if isinstance(slack_file, dict):
            return self._own_file(str(slack_file.get("id") or slack_file.get("url") or ""))
        return self._own_file(str(block.get("image_url", "")))

    def _own_file(self, named: str) -> str:
        found = re.search(r"\bF[0-9A-Z]{8,}\b", named)
        own = named == (found[0] if found else "") or named.startswith(f"{self._state.url}/files/")
        file = self._state.files.by_id.get(found[0]) if found and own else None
        return f"/files/{file.id}/download" if file is not None and file.mimetype in INLINE else ""


def colour(value: JsonValue) -> str:
    """Returns a colour that is safe in an attribute; grey for anything else."""
    text = str(value or "")
    return NAMED.get(text) or (f"#{text.lstrip('#')}" if re.fullmatch(r"#?[0-9a-fA-F]{3,8}", text) else "#dddddd")


def weblink(value: JsonValue) -> Markup | str:
    """Returns a URL that is safe in a link; `#` for other schemes such as javascript."""
    text = str(value or "")
    return text if urlsplit(text).scheme in LINK_SCHEMES else "#"
