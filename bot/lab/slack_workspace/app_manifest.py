"""Reads commands, shortcuts, events and scopes from a Slack app manifest."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

import bot
from bot.errors import ConfigError
from bot.lab.slack_workspace import seed_data


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A shortcut in the menu of messages or of the composer."""

    name: str
    callback_id: str
    kind: str  # message or global


@dataclass(frozen=True, slots=True)
class Manifest:
    """The installed app; without events or scopes it has all of them."""

    commands: dict[str, str]
    shortcuts: tuple[Shortcut, ...] = ()
    events: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    escaped: frozenset[str] = field(default_factory=frozenset)  # commands with should_escape

    @classmethod
    def default(cls) -> Manifest:
        """Returns Firstmate's commands, one message shortcut and all events."""
        return cls(dict(seed_data.COMMANDS), (Shortcut("Triage this", "triage_message", "message"),))

    @staticmethod
    def shipped() -> Path:
        """Returns the path of Firstmate's own manifest: in the package of a wheel, or at the root of a checkout."""
        package = Path(bot.__file__).resolve().parent
        return next(filter(Path.is_file, (package / "manifest.yml", package.parent / "manifest.yml")))

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Reads manifest.yml; raises ConfigError when it is not valid."""
        try:
            given = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as problem:
            raise ConfigError(f"The app manifest {path} could not be read: {problem}.") from problem
        if not isinstance(given, dict):
            raise ConfigError(f"{path} is not a Slack app manifest: a mapping with `features` is expected.")
        features: dict[str, Any] = given.get("features") or {}
        commands = features.get("slash_commands") or []
        events = ((given.get("settings") or {}).get("event_subscriptions") or {}).get("bot_events") or []
        scopes = ((given.get("oauth_config") or {}).get("scopes") or {}).get("bot") or []
        try:
            return cls(
                {entry["command"]: str(entry.get("description", "")) for entry in commands},
                tuple(
                    Shortcut(entry["name"], entry["callback_id"], entry["type"])
                    for entry in features.get("shortcuts") or []
                ),
                frozenset(events),
                frozenset(scopes),
                frozenset(entry["command"] for entry in commands if entry.get("should_escape")),
            )
        except (KeyError, TypeError) as problem:
            raise ConfigError(f"{path} has a slash command or shortcut without {problem}.") from problem
