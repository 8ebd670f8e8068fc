"""What the workspace needs of a Slack app manifest: commands, shortcuts, events and scopes."""

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
    """An entry of a message's menu, or of the composer's."""

    name: str
    callback_id: str
    kind: str  # message or global


@dataclass(frozen=True, slots=True)
class Manifest:
    """The app as it is installed; empty events or scopes mean that nothing is held back."""

    commands: dict[str, str]
    shortcuts: tuple[Shortcut, ...] = ()
    events: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    escaped: frozenset[str] = field(default_factory=frozenset)  # commands with should_escape

    @classmethod
    def default(cls) -> Manifest:
        """Gives the commands that Firstmate has, one message shortcut, and every event."""
        return cls(dict(seed_data.COMMANDS), (Shortcut("Triage this", "triage_message", "message"),))

    @staticmethod
    def shipped() -> Path:
        """The manifest of Firstmate itself: in the package of a wheel, at the top of a checkout."""
        package = Path(bot.__file__).resolve().parent
        return next(filter(Path.is_file, (package / "manifest.yml", package.parent / "manifest.yml")))

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Reads manifest.yml; raises ConfigError when it is not a manifest."""
        try:
            given = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as problem:
            raise ConfigError(f"The app manifest {path} could not be read: {problem}.") from problem
        if not isinstance(given, dict):
            raise ConfigError(f"{path} is not a Slack app manifest: it should be a mapping with `features`.")
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
