"""The entities of the local workspace: tokens, users, bots, channels and user groups; and Slack's errors."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from bot.errors import ConfigError

JsonValue: TypeAlias = Any  # any JSON value
Json = dict[str, JsonValue]


class SlackError(Exception):
    """An error that the Web API answers with `ok: false`; `error` is Slack's code."""

    def __init__(self, error: str, **extra: object) -> None:
        super().__init__(error)
        self.error = error
        self.extra = extra

    def body(self) -> Json:
        """Returns the JSON body of the answer."""
        return {"ok": False, "error": self.error, **self.extra}


@dataclass(frozen=True, slots=True)
class Tokens:
    """The secrets of the two apps in the workspace."""

    bot_token: str = "xoxb-local-firstmate"  # noqa: S105 - for loopback only
    app_token: str = "xapp-local-firstmate"  # noqa: S105
    signing_secret: str = "local-signing-secret"  # noqa: S105
    alerts_bot_token: str = "xoxb-local-alerts"  # noqa: S105

    @classmethod
    def read(cls, path: Path) -> Tokens:
        """Reads the tokens from a JSON file; raises ConfigError when a field is missing or not a string."""
        try:
            given = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as problem:
            raise ConfigError(f"The tokens of the workspace could not be read from {path}: {problem}.") from problem
        names = ("bot_token", "app_token", "signing_secret", "alerts_bot_token")
        missing = [name for name in names if not isinstance(given, dict) or not isinstance(given.get(name), str)]
        if missing:
            raise ConfigError(f"{path} lacks {', '.join(missing)}; it needs the strings {', '.join(names)}.")
        return cls(**{name: given[name] for name in names})


@dataclass(slots=True)
class User:
    """A person, or the user of a bot, with the flags that users.info returns."""

    id: str
    name: str
    real_name: str
    team_id: str = "T0LOCAL"
    title: str = ""
    colour: str = "4a6fa5"
    deleted: bool = False
    is_bot: bool = False
    is_app_user: bool = False
    is_admin: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    bot_id: str = ""
    app_id: str = ""

    def public(self) -> Json:
        """Returns the `user` object of users.info."""
        profile: Json = {
            "real_name": self.real_name,
            "real_name_normalized": self.real_name,
            "display_name": self.name,
            "display_name_normalized": self.name,
            "title": self.title,
            "team": self.team_id,
        }
        if self.is_bot:
            profile |= {"api_app_id": self.app_id, "bot_id": self.bot_id, "always_active": True}
        told: Json = {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "real_name": self.real_name,
            "deleted": self.deleted,
            "color": self.colour,
            "tz": "Etc/UTC",
            "tz_label": "Coordinated Universal Time",
            "tz_offset": 0,
            "profile": profile,
            "is_admin": self.is_admin,
            "is_owner": False,
            "is_primary_owner": False,
            "is_restricted": self.is_restricted,
            "is_ultra_restricted": self.is_ultra_restricted,
            "is_bot": self.is_bot,
            "is_app_user": self.is_app_user,
            "updated": 1_700_000_000,
        }
        if self.is_stranger:
            told["is_stranger"] = True
        return told


@dataclass(slots=True)
class AppBot:
    """The bot of an installed app: its bot id, app id, user and token."""

    id: str
    app_id: str
    user_id: str
    name: str
    token: str
    as_bot_message: bool = False  # posts with subtype bot_message, like apps that set a username
    scopes: frozenset[str] = frozenset()  # empty: scopes are not checked

    def profile(self, team_id: str) -> Json:
        """Returns the `bot_profile` of a message."""
        return {
            "id": self.id,
            "app_id": self.app_id,
            "user_id": self.user_id,
            "name": self.name,
            "icons": {},
            "deleted": False,
            "updated": 1_700_000_000,
            "team_id": team_id,
        }


@dataclass(slots=True)
class Channel:
    """A channel and its members."""

    id: str
    name: str
    purpose: str = ""
    members: set[str] = field(default_factory=set)
    is_ext_shared: bool = False
    is_archived: bool = False
    is_private: bool = False

    def public(self, team_id: str, viewer: str) -> Json:
        """Returns the `channel` object as the given user sees it."""
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": not self.is_private,
            "is_group": False,
            "is_im": False,
            "is_mpim": False,
            "is_private": self.is_private,
            "is_archived": self.is_archived,
            "is_general": self.name == "general",
            "is_member": viewer in self.members,
            "is_shared": self.is_ext_shared,
            "is_ext_shared": self.is_ext_shared,
            "is_org_shared": False,
            "is_pending_ext_shared": False,
            "context_team_id": team_id,
            "created": 1_700_000_000,
            "creator": "U0ALICE",
            "topic": {"value": "", "creator": "", "last_set": 0},
            "purpose": {"value": self.purpose, "creator": "U0ALICE", "last_set": 1_700_000_000},
            "num_members": len(self.members),
        }


@dataclass(slots=True)
class Usergroup:
    """A user group: a handle for several users."""

    id: str
    handle: str
    name: str
    users: list[str]

    def public(self, team_id: str, include_users: bool) -> Json:
        """Returns the `usergroup` object of usergroups.list."""
        told: Json = {
            "id": self.id,
            "team_id": team_id,
            "is_usergroup": True,
            "is_subteam": True,
            "name": self.name,
            "handle": self.handle,
            "description": "",
            "is_external": False,
            "date_create": 1_700_000_000,
            "date_update": 1_700_000_000,
            "date_delete": 0,
            "user_count": len(self.users),
        }
        if include_users:
            told["users"] = list(self.users)
        return told
