"""The settings of Firstmate: frozen, read once from firstmate.yml.

Secrets never stand in the file: it names an environment variable (`{env: NAME}`) or a file (`{file: PATH}`, relative to
the configuration's own folder), and `Secret.read` fetches it when it is needed.
"""

from __future__ import annotations

import os
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bot.errors import ConfigError


class Settings(BaseModel):
    """Base of every part: frozen, and strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Secret(Settings):
    """Where a secret is: an environment variable or a file; exactly one of the two."""

    env: str | None = None
    file: Path | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Secret:
        if (self.env is None) == (self.file is None):
            raise ValueError("name exactly one source for the secret: {env: NAME} or {file: PATH}")
        return self

    def read(self) -> str:
        """Returns the secret without a trailing newline; raises ConfigError naming the source that is missing."""
        if self.env is not None:
            value = os.environ.get(self.env)
            if not value:
                raise ConfigError(
                    f"The environment variable {self.env} is not set; set it, or name a file in the configuration."
                )
            return value
        assert self.file is not None
        try:
            value = self.file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(
                f"The secret file {self.file} cannot be read ({error.strerror}); create it with mode 0600."
            ) from error
        if not value:
            raise ConfigError(f"The secret file {self.file} is empty; write the secret into it.")
        return value


class Role(StrEnum):
    """The role of an instance in its shard."""

    PRIMARY = "primary"
    REPLICA = "replica"
    PROXY = "proxy"


class DatabaseUser(Settings):
    """A user of the database servers."""

    user: str
    password: Secret


class Instance(Settings):
    """One server of the fleet. `labels` hold further values of the alert label `instance` that mean this server."""

    name: str = Field(min_length=1, max_length=100)
    host: str
    port: int = 3306
    role: Role
    aliases: tuple[str, ...] = ()
    spare_port: int | None = None
    """MySQL's admin_port or MariaDB's extra_port, asked when all connections are taken."""

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"


class ProxyInstance(Instance):
    """The admin interface of one ProxySQL."""

    port: int = 6032
    role: Literal[Role.PROXY] = Role.PROXY
    spare_port: None = None


class Proxies(Settings):
    """The ProxySQL instances in front of a shard."""

    instances: tuple[ProxyInstance, ...] = Field(min_length=1)
    reader: DatabaseUser
    """One of `admin-stats_credentials`: it reads the statistics and cannot change anything."""
    changer: DatabaseUser | None = None
    """One of `admin-admin_credentials`; without it nothing is changed at the proxies."""
    cluster: bool = False
    """Whether they are a ProxySQL Cluster, in which one hands what is changed on it on to the others."""


class Shard(Settings):
    """One primary and its replicas; the unit that takes one change at a time."""

    name: str = Field(min_length=1, max_length=100)
    flavour: Literal["mysql", "mariadb"]
    instances: tuple[Instance, ...] = Field(min_length=1)
    reader: DatabaseUser
    changer: DatabaseUser | None = None
    """The user that may change; without it the deployment only reads."""
    proxies: Proxies | None = None
    """The proxies in front of it. They are no part of the shard's `instances`, and count as no replica."""

    @property
    def members(self) -> tuple[Instance, ...]:
        """Its servers, and the proxies in front of them."""
        return (*self.instances, *(self.proxies.instances if self.proxies else ()))

    @model_validator(mode="after")
    def _proxies_stand_apart(self) -> Shard:
        for instance in self.instances:
            if instance.role is Role.PROXY:
                raise ValueError(f"{instance.name} is a proxy; write it under `proxies` of {self.name}")
        return self


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


class People(Settings):
    """Who holds a role: user ids and user groups of Slack."""

    users: tuple[str, ...] = ()
    usergroups: tuple[str, ...] = ()


class Narrower(People):
    """For these shards and risks, only these people hold the role."""

    role: Literal["operator", "approver"]
    shards: tuple[str, ...] = Field(default=("*",), min_length=1)
    """Patterns of names of shards, with `*` and `?`."""
    risks: tuple[Literal["reversible", "disruptive", "destructive"], ...] = ()
    """Of the plan; without any, whatever its risk. Who only asks has no plan yet."""

    def covers(self, role: str, shard: str, risk: str) -> bool:
        return (
            role == self.role
            and any(fnmatchcase(shard, pattern) for pattern in self.shards)
            and (not self.risks or risk in self.risks)
        )


class Roles(Settings):
    """The roles of people: operators ask for triage and runs, approvers approve changes, admins halt and resume.

    Who holds `break_glass` may override freeze and cooldown, with a reason that all can read.
    """

    operator: People = People()
    approver: People = People()
    admin: People = People()
    break_glass: People = People()
    only: tuple[Narrower, ...] = Field(default=(), max_length=200)
    """The first that covers a request decides."""

    def people(self, role: str, shard: str, risk: str) -> tuple[People, str]:
        """Who holds a role for such changes, and the key under which that is set."""
        for number, each in enumerate(self.only):
            if shard and each.covers(role, shard, risk):
                return each, f"roles.only[{number}]"
        people: People = getattr(self, role)
        return people, f"roles.{role}"


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
    shards: tuple[Shard, ...]
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
