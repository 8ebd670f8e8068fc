"""The settings of Firstmate: frozen, and read once from firstmate.yml.

The file never contains a secret. It names an environment variable (`{env: NAME}`) or a file (`{file: PATH}`, relative
to the folder of firstmate.yml), and `Secret.read` reads the secret when it is needed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator

from bot.config.inventory import DatabaseUser, Instance, Proxies, ProxyInstance, Role, Shard, Tablet, TabletShard
from bot.config.roles import People, RoleRestriction, Roles
from bot.config.settings_base import Secret, Settings
from bot.config.validation_messages import problems, yaml_problem
from bot.config.vitess import VitessCluster, VtctldSettings, VtgateSettings
from bot.errors import ConfigError


class SlackSettings(Settings):
    """The connection to Slack."""

    mode: Literal["socket", "http"] = "socket"
    """`socket` opens a Socket Mode connection; `http` receives signed requests at `/slack/events` of the intake."""
    bot_token: Secret
    """The bot token (xoxb-...): `{env: NAME}` or `{file: PATH}`."""
    app_token: Secret | None = None
    """The app-level token (xapp-...) with the scope `connections:write`; required in mode `socket`."""
    signing_secret: Secret | None = None
    """The signing secret of the app; required in mode `http`."""
    base_url: str = "https://slack.com/api/"
    """The base URL of Slack's Web API; changed only for the local workspace."""

    @model_validator(mode="after")
    def _has_what_its_mode_needs(self) -> SlackSettings:
        if self.mode == "socket" and self.app_token is None:
            raise ValueError("mode `socket` needs app_token")
        if self.mode == "http" and self.signing_secret is None:
            raise ValueError("mode `http` needs signing_secret")
        return self


class Route(Settings):
    """Sends matching alerts to a channel."""

    match: tuple[str, ...] = Field(min_length=1)
    """Matchers in Alertmanager's syntax, such as `cluster = billing`; all of them must match the alert's labels."""
    channel: str
    """The ID of the channel, such as C0123456789."""


class Intake(Settings):
    """The HTTP server: webhooks of alert sources, health checks, metrics, and Slack's requests in mode `http`."""

    host: str = "127.0.0.1"
    """The address to listen on; `0.0.0.0` listens on all interfaces."""
    port: int = 9195
    """The port to listen on."""
    token: Secret
    """The bearer token that alert sources send: `{env: NAME}` or `{file: PATH}`."""


class ApprovalSettings(Settings):
    """How many approvals a change needs, and how long a request stays open."""

    count: int = Field(default=1, ge=1, le=5)
    """The number of people who must approve a change, if neither the runbook nor the policy asks for more."""
    expires_after: Annotated[float, Field(gt=0, le=86400)] = 300.0
    """Seconds after which a pending approval request expires. Nothing is changed then."""


class Retention(Settings):
    """How long records are kept."""

    run_days: Annotated[int, Field(ge=1, le=36_500)] = 90
    """Days for which finished runs are kept, with their alerts and messages. Unfinished runs are never deleted."""
    audit_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    """Days for which entries of the audit log are kept; without it, they are kept forever."""


class Prometheus(Settings):
    """The addresses of Prometheus and Alertmanager."""

    url: str
    """The base URL of Prometheus, for charts and for diagnostics that query it."""
    alertmanager: str | None = None
    """The base URL of Alertmanager; required for silences (*I'm on it*)."""


class Config(Settings):
    """The content of firstmate.yml."""

    slack: SlackSettings | None = None
    """The connection to Slack; required by `firstmate serve`."""
    intake: Intake
    """The HTTP server that receives alerts."""
    routes: tuple[Route, ...] = ()
    """Which channel an alert goes to; the first route that matches wins."""
    default_channel: str = ""
    """The ID of the channel for alerts that no route matches; required by `firstmate serve`."""
    shards: tuple[Shard, ...] = ()
    """The shards of MySQL and MariaDB. `shards` or `vitess` is required; `shards: []` is a fleet without servers."""
    vitess: tuple[VitessCluster, ...] = ()
    """The Vitess clusters, whose shards and tablets are read from their topology."""
    prometheus: Prometheus | None = None
    """The addresses of Prometheus and Alertmanager; without it, charts, queries and silences are unavailable."""
    roles: Roles = Roles()
    """Who may operate, approve, administer and override."""
    approvals: ApprovalSettings = ApprovalSettings()
    """How many approvals a change needs, and how long a request stays open."""
    autonomy: Literal["observe", "suggest", "auto"] = "suggest"
    """The most that any runbook may do: `observe` offers no change, `suggest` changes only after approval, and `auto`
    makes reversible changes without approval where the runbook itself says `autonomy: auto`."""
    runbooks: tuple[Path, ...] = ()
    """Folders with your own runbooks; a runbook replaces the shipped runbook of the same name."""
    shipped_runbooks: bool = True
    """Whether the shipped runbooks are used in addition."""
    policy: Path | None = None
    """The path of policy.yml; without it, the policy's defaults apply."""
    data: Path = Path("firstmate-data")
    """The folder of the store and of the file HALT, relative to the folder of firstmate.yml."""
    retention: Retention = Retention()
    """How long records are kept."""
    postgresql: Secret | None = None
    """The URL of a PostgreSQL database that replaces SQLite as the store, so that several replicas of the bot can share
    it: `{env: NAME}` or `{file: PATH}`."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Config:
        clusters = [cluster.name for cluster in self.vitess]
        if len(set(clusters)) < len(clusters):
            raise ValueError(f"two Vitess clusters have the same name: {', '.join(clusters)}")
        if not self.model_fields_set & {"shards", "vitess"}:  # an explicit empty list is deliberate
            raise ValueError("the fleet is missing; set `shards` or `vitess`")
        seen: dict[str, str] = {}
        for shard in self.shards:
            for instance in shard.members:
                for key in {instance.name, instance.address, *instance.aliases}:
                    if key in seen:
                        raise ValueError(
                            f"{key!r} names both {seen[key]} and {instance.name}; each name must be unique"
                        )
                    seen[key] = instance.name
        return self


def load(path: Path) -> Config:
    """Reads firstmate.yml; raises ConfigError that names the file, the key and the problem."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"There is no file {path}. Name your firstmate.yml with --config.") from error
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(
            f"The configuration {path} cannot be read: {reason}. Name your firstmate.yml with --config."
        ) from error
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(yaml_problem(error, text, str(path))) from error
    if not isinstance(document, dict):
        raise ConfigError(f"{path} must be a mapping of settings; docs/configuration.md has an example.")
    try:
        config = Config.model_validate(document)
    except ValidationError as error:
        raise ConfigError("\n".join(problems(Config, document, text, str(path), error.errors()))) from error
    return _with_absolute_paths(config, path.resolve().parent)


def _with_absolute_paths(config: Config, folder: Path) -> Config:
    """Resolves every relative path against the folder of firstmate.yml, and tells each secret its key."""

    def resolve(value: object, key: str, user: str = "") -> object:
        if isinstance(value, Path):
            return folder / value
        if isinstance(value, BaseModel):
            if isinstance(value, Secret):
                return value.model_copy(update={"file": resolve(value.file, key)}).used_by(key, user)
            prefix, owner = f"{key}." if key else "", getattr(value, "user", "")
            names = type(value).model_fields
            return value.model_copy(
                update={name: resolve(getattr(value, name), f"{prefix}{name}", owner) for name in names}
            )
        if isinstance(value, tuple):
            return tuple(
                resolve(item, f"{key}.{getattr(item, 'name', number)}") for number, item in enumerate(value, start=1)
            )
        return value

    resolved = resolve(config, "")
    assert isinstance(resolved, Config)
    return resolved


__all__ = [
    "ApprovalSettings",
    "Config",
    "DatabaseUser",
    "Instance",
    "Intake",
    "People",
    "Prometheus",
    "Proxies",
    "ProxyInstance",
    "Retention",
    "Role",
    "RoleRestriction",
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
