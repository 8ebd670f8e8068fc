"""The settings of Firstmate: frozen, read once from firstmate.yml.

Secrets never stand in the file: it names an environment variable (`{env: NAME}`) or a file (`{file: PATH}`, relative to
the configuration's own folder), and `Secret.read` fetches it when it is needed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator

from bot.config.base import Secret, Settings
from bot.config.inventory import DatabaseUser, Instance, Proxies, ProxyInstance, Role, Shard, Tablet, TabletShard
from bot.config.roles import Narrower, People, Roles
from bot.config.vitess import VitessCluster, VtctldSettings, VtgateSettings
from bot.errors import ConfigError


class SlackSettings(Settings):
    """How to reach Slack; `base_url` is set only for the local workspace."""

    mode: Literal["socket", "http"] = "socket"
    bot_token: Secret
    app_token: Secret | None = None
    signing_secret: Secret | None = None
    base_url: str = "https://slack.com/api/"

    @model_validator(mode="after")
    def _has_what_its_mode_needs(self) -> SlackSettings:
        if self.mode == "socket" and self.app_token is None:
            raise ValueError("mode `socket` needs app_token")
        if self.mode == "http" and self.signing_secret is None:
            raise ValueError("mode `http` needs signing_secret")
        return self


class Route(Settings):
    """Sends the alerts that all of `match` hold for to `channel` (an id such as C0123456789)."""

    match: tuple[str, ...] = Field(min_length=1)
    channel: str


class Intake(Settings):
    """The HTTP side: webhooks of alert sources, and Slack's requests in mode `http`."""

    host: str = "127.0.0.1"
    port: int = 9195
    token: Secret


class Approvals(Settings):
    """What an approval takes."""

    count: int = Field(default=1, ge=1, le=5)
    expires_after: Annotated[float, Field(gt=0, le=86400)] = 300.0
    """Seconds."""


class Retention(Settings):
    """How long what has ended is kept."""

    run_days: Annotated[int, Field(ge=1, le=36_500)] = 90
    """Runs with their alerts and messages. What is under way is never deleted."""
    audit_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    """The audit log; without it all of it is kept."""


class Prometheus(Settings):
    """Where Prometheus and Alertmanager answer."""

    url: str
    alertmanager: str | None = None


class Config(Settings):
    """All of firstmate.yml."""

    slack: SlackSettings | None = None
    intake: Intake
    routes: tuple[Route, ...] = ()
    default_channel: str = ""
    shards: tuple[Shard, ...] = ()
    vitess: tuple[VitessCluster, ...] = ()
    """Clusters of Vitess; their shards and tablets are read from their topology."""
    prometheus: Prometheus | None = None
    roles: Roles = Roles()
    approvals: Approvals = Approvals()
    autonomy: Literal["observe", "suggest", "auto"] = "suggest"
    """How far any runbook may go here; `auto` lets those that say so change what can be undone without an approval."""
    runbooks: tuple[Path, ...] = ()
    """Folders of runbooks of one's own. They go over the shipped ones: a runbook replaces its namesake."""
    shipped_runbooks: bool = True
    """Whether the shipped runbooks are in force, too."""
    policy: Path | None = None
    """policy.yml; without it the defaults hold."""
    data: Path = Path("firstmate-data")
    """The folder of the store, relative to the configuration's own folder."""
    retention: Retention = Retention()
    postgresql: Secret | None = None
    """The URL of a PostgreSQL database, which then is the store, and several replicas of the bot may work on it."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Config:
        clusters = [cluster.name for cluster in self.vitess]
        if len(set(clusters)) < len(clusters):
            raise ValueError(f"each cluster of Vitess needs a name of its own: {', '.join(clusters)}")
        if not self.model_fields_set & {"shards", "vitess"}:  # an empty list is said on purpose
            raise ValueError("name the fleet: `shards`, or a cluster under `vitess`")
        seen: dict[str, str] = {}
        for shard in self.shards:
            for instance in shard.members:
                for key in {instance.name, instance.address, *instance.aliases}:
                    if key in seen:
                        raise ValueError(
                            f"{key!r} names both {seen[key]} and {instance.name}; each name must mean one instance"
                        )
                    seen[key] = instance.name
        return self


def load(path: Path) -> Config:
    """Reads the configuration; raises ConfigError with the file, the key and what is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The configuration {path} cannot be read: {error}. Give its path with --config.") from error
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML: {error}") from error
    if not isinstance(document, dict):
        raise ConfigError(f"{path} must be a mapping of settings; see the README's second page for an example.")
    try:
        config = Config.model_validate(document)
    except ValidationError as error:
        details = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors()[:5])
        raise ConfigError(f"{path} does not fit: {details}") from error
    return _beside(config, path.resolve().parent)


def _beside(config: Config, folder: Path) -> Config:
    """Resolves every relative path against the configuration's own folder."""

    def resolve(value: object) -> object:
        if isinstance(value, Path):
            return folder / value
        if isinstance(value, BaseModel):
            return value.model_copy(update={name: resolve(getattr(value, name)) for name in type(value).model_fields})
        if isinstance(value, tuple):
            return tuple(resolve(item) for item in value)
        return value

    resolved = resolve(config)
    assert isinstance(resolved, Config)
    return resolved


__all__ = [
    "Approvals",
    "Config",
    "DatabaseUser",
    "Instance",
    "Intake",
    "Narrower",
    "People",
    "Prometheus",
    "Proxies",
    "ProxyInstance",
    "Retention",
    "Role",
    "Roles",
    "Route",
    "Secret",
    "Settings",
    "Shard",
    "SlackSettings",
    "Tablet",
    "TabletShard",
    "VitessCluster",
    "VtctldSettings",
    "VtgateSettings",
    "load",
]
