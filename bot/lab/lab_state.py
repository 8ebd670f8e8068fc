"""The parts of a lab: what lab.json stores and `firstmate lab up --json` prints."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, NoReturn

from bot.errors import FirstmateError


@dataclass(frozen=True)
class LabInstance:
    """One database server of the lab; `user` is its administrator, `source` the name of a replica's source.

    `spare_port` accepts administrators when all connections are taken: MySQL's admin_port, MariaDB's extra_port.
    """

    name: str
    shard: str
    host: str
    port: int
    spare_port: int
    user: str
    password: str
    role: Literal["primary", "replica"]
    source: str | None
    flavour: Literal["mysql", "mariadb"]
    version: str

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Login:
    """A database user and its password."""

    user: str
    password: str


@dataclass(frozen=True)
class Urls:
    """URLs of the services; Alertmanager posts to `webhook`, where the bot listens while it is running."""

    prometheus: str
    alertmanager: str
    webhook: str
    workspace: str


@dataclass(frozen=True)
class LabTablet:
    """A tablet of the Vitess lab; `vttablet` and `mysqld` are the names of its processes."""

    alias: str
    uid: int
    shard: str
    """The key range, such as -80, without the keyspace."""
    http_port: int
    grpc_port: int
    mysql_port: int
    vttablet: str
    mysqld: str


@dataclass(frozen=True)
class LabVitess:
    """The Vitess cluster of a lab. Addresses are host:port; the processes are named like the fields."""

    cell: str
    keyspace: str
    etcd: str
    vtctld: str
    """The gRPC address of vtctld."""
    vtctld_url: str
    vtorc: str
    vtgate: str
    """The HTTP address, as for VTOrc."""
    vtgate_mysql: str
    tablets: tuple[LabTablet, ...]

    def tablet(self, alias: str) -> LabTablet:
        """Returns the tablet with this alias; raises KeyError for an unknown alias."""
        return next((t for t in self.tablets if t.alias == alias), None) or _missing(alias)


@dataclass(frozen=True)
class LabState:
    """A lab that is up.

    `marker` identifies its processes, which have it in their environment. `users` has the logins of application,
    reader, changer and so on by user name; they are the same on every server. `vitess` is set when the servers belong
    to the tablets of a Vitess cluster; the name of an instance is then the alias of its tablet.
    """

    folder: Path
    marker: str
    instances: tuple[LabInstance, ...]
    replication: Login
    urls: Urls
    config: Path
    users: dict[str, Login] = field(default_factory=dict)
    vitess: LabVitess | None = None

    def instance(self, name: str) -> LabInstance:
        """Returns the instance with this name; raises KeyError for an unknown name."""
        return next((i for i in self.instances if i.name == name), None) or _missing(name)

    def as_json(self) -> dict[str, Any]:
        """Returns the document that `firstmate lab up --json` prints.

        Keys: `instances` (a list; each with name, shard, host, port, spare_port, user and password of the
        administrator, role `primary` or `replica`, source (a name, null for a primary), flavour `mysql` or `mariadb`,
        version), `replication` (user, password), `urls` (prometheus, alertmanager, webhook, workspace), `config` (the
        path of firstmate.yml), `folder`, and `vitess` (null without Vitess; otherwise the fields of LabVitess).
        """
        return {
            "instances": [asdict(instance) for instance in self.instances],
            "replication": asdict(self.replication),
            "urls": asdict(self.urls),
            "config": str(self.config),
            "folder": str(self.folder),
            "vitess": asdict(self.vitess) if self.vitess else None,
        }


def _missing(name: str) -> NoReturn:
    raise KeyError(name)


def save(state: LabState) -> None:
    """Writes lab.json, which contains passwords and is readable by its owner only."""
    document = {
        **state.as_json(),
        "marker": state.marker,
        "users": {name: asdict(login) for name, login in state.users.items()},
    }
    write_private(state.folder / "lab.json", json.dumps(document, indent=2) + "\n")


def read(folder: Path) -> LabState | None:
    """Returns the lab of the folder; None without one. Raises FirstmateError when lab.json cannot be read."""
    path = folder / "lab.json"
    try:
        return _lab(folder, json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise FirstmateError(
            f"{path} cannot be read or was written by another version ({error}); "
            "run `firstmate lab down`, then `firstmate lab up`."
        ) from error


def _lab(folder: Path, document: Any) -> LabState:  # noqa: ANN401 - JSON
    return LabState(
        folder=folder,
        marker=document["marker"],
        instances=tuple(LabInstance(**instance) for instance in document["instances"]),
        replication=Login(**document["replication"]),
        urls=Urls(**document["urls"]),
        config=Path(document["config"]),
        users={name: Login(**login) for name, login in document["users"].items()},
        vitess=_vitess(document.get("vitess")),
    )


def _vitess(document: Any) -> LabVitess | None:  # noqa: ANN401 - JSON
    if document is None:
        return None
    return LabVitess(**{**document, "tablets": tuple(LabTablet(**tablet) for tablet in document["tablets"])})


def new_marker(folder: Path) -> str:
    """Creates the marker of a new lab, writes it before any process starts, and returns it."""
    marker = f"{folder}#{secrets.token_hex(8)}"
    write_private(folder / "marker", marker + "\n")
    return marker


def marker_of(folder: Path) -> str | None:
    """Returns the marker of the lab in the folder, complete or not; None without one."""
    try:
        return (folder / "marker").read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


def write_private(path: Path, text: str) -> None:
    """Writes a file atomically, with mode 0600."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(text)
    part.rename(path)
