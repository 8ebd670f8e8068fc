"""Looks at every server and service of a configuration, many at a time, each within its own time."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

from actions.contract import MySQL, ServerVersion, Unreadable
from bot.config import Config, Role
from bot.doctor.clusters import clusters
from bot.doctor.instance import Instance, Service
from bot.doctor.proxy import look_at_proxy
from bot.doctor.report import Report, unanswered
from bot.doctor.user_privileges import PROMETHEUS, Kind, User, judged
from bot.engine.ports import Fleet
from bot.engine.targets import Target
from bot.errors import FirstmateError
from bot.fleet.alertmanager import AlertmanagerSilencer
from bot.fleet.fleet import ConfiguredFleet
from bot.privileges.corrections import Excess, Mending
from bot.privileges.grants import Held, parse

T = TypeVar("T")
Progress = Callable[[int, int], None]

AT_A_TIME = 32
"""Servers that are looked at at a time."""
WITHIN = 10.0
"""Seconds for one server, from when its turn comes."""
MOST_LINES = 1000
"""Lines of SHOW GRANTS that are read; those for all of the server come first."""


@dataclass(frozen=True, slots=True)
class _Account:
    """What a user saw of a server."""

    version: ServerVersion
    held: Held
    with_roles: Held | None
    tls: bool
    super_read_only: bool


def examine(config: Config, only: Sequence[str] = (), progress: Progress = lambda done, of: None) -> Report:
    """Looks at the servers of the inventory, or at those of `only`, which names instances and shards; changes nothing.

    Raises UnknownTarget for a name that the inventory does not have. What a server or a service does is no error.
    """
    fleet = ConfiguredFleet(config)
    targets = _chosen(fleet, only)
    progress(0, len(targets))
    services = _begun(lambda: _prometheus(config, fleet)), _begun(lambda: _alertmanager(config))
    vitess = _begun(lambda: tuple(clusters(config)))
    found = {}
    for done, instance in enumerate(_each(fleet, targets), start=1):
        found[instance.name] = instance
        progress(done, len(targets))
    return Report(
        tuple(found[target.name] for target in targets), (*(service.result() for service in services), *vitess.result())
    )


def _chosen(fleet: ConfiguredFleet, only: Sequence[str]) -> tuple[Target, ...]:
    every = tuple(fleet.targets())
    wanted: set[str] = set()
    for name in only:
        shard = {target.name for target in every if target.shard.name == name}
        wanted |= shard or {fleet.find(name).name}
    return tuple(target for target in every if not only or target.name in wanted)


def _each(fleet: Fleet, targets: Sequence[Target]) -> Iterator[Instance]:
    """Every server as soon as it was looked at; one that takes too long is given up and holds up no other."""
    waiting = deque(targets)
    running: dict[Future[Instance], tuple[Target, float]] = {}
    while waiting or running:
        while waiting and len(running) < AT_A_TIME:
            target = waiting.popleft()
            running[_begun(partial(look, fleet, target))] = (target, time.monotonic() + WITHIN)
        soonest = min(deadline for _, deadline in running.values())
        done, _ = wait(running, timeout=max(0.0, soonest - time.monotonic()), return_when=FIRST_COMPLETED)
        for future in done:
            del running[future]
            yield future.result()
        for future, (target, deadline) in list(running.items()):
            if time.monotonic() >= deadline and not future.done():
                # Its thread ends by the sockets' own bounds; nobody waits for it any more.
                del running[future]
                yield unanswered(target, WITHIN)


def _begun(do: Callable[[], T]) -> Future[T]:
    """Runs it in a thread that does not keep the process from ending, as those of a pool do."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(do())
        except Exception as error:  # noqa: BLE001 - raised again where the result is taken
            future.set_exception(error)

    threading.Thread(target=run, name="doctor", daemon=True).start()
    return future


def look(fleet: Fleet, target: Target) -> Instance:
    """Looks at one server as each of its users; whatever it does becomes a sentence."""
    if target.is_proxy:
        return look_at_proxy(fleet, target)
    shard, instance = target.shard, target.instance
    role: tuple[Role | None, str] = (None, "")

    def as_reader(db: MySQL) -> _Account:
        nonlocal role
        seen = _seen(db)
        role = _role(fleet, db)
        return seen

    reader, refused = _asked(lambda: fleet.read(shard, instance), as_reader)
    if reader is None and not _greets(fleet, target):
        return Instance(target, refused)
    users = [_user("reader", target, reader, refused)]
    changer: _Account | None = None
    if shard.changer is not None:
        changer, refused = _asked(lambda: _changing(fleet, target), _seen)
        users.append(_user("changer", target, changer, refused))
    if reader is not None and changer is not None and reader.held.account == changer.held.account:
        # The changer's part says what is too much of it.
        own = Mending(users[0].mending.grants)
        users = [replace(users[0], excess=Excess(), mending=own), replace(users[1], same=True)]
    seen = reader or changer
    return Instance(
        target,
        version=seen.version if seen else None,
        tls=seen.tls if seen else None,
        super_read_only=seen is not None and seen.super_read_only,
        role=role[0],
        role_says=role[1],
        spare_port_says=_spare_port(fleet, target, users[0]) if reader else "",
        users=tuple(users),
    )


def _greets(fleet: Fleet, target: Target) -> bool:
    """Whether something answers at the port; without the reader's secret nobody can tell, and the user tells why."""
    try:
        return fleet.endpoint(target.shard, target.instance).probe().greeted
    except FirstmateError:
        return True


def _user(kind: Kind, target: Target, seen: _Account | None, refused: str) -> User:
    if seen is None:
        return User(kind, says=refused)
    spare = target.instance.spare_port is not None
    return judged(kind, seen.held, seen.version, spare_port=spare, with_roles=seen.with_roles)


def _asked(open_: Callable[[], AbstractContextManager[MySQL]], ask: Callable[[MySQL], T]) -> tuple[T | None, str]:
    try:
        with open_() as db:
            return ask(db), ""
    except (FirstmateError, Unreadable) as error:
        return None, str(error)


@contextmanager
def _changing(fleet: Fleet, target: Target) -> Iterator[MySQL]:
    with fleet.change(target.shard, target.instance) as changer:
        yield changer.reader


def _seen(db: MySQL) -> _Account:
    account = str(db.rows("SELECT CURRENT_USER() AS account")[0]["account"])
    held = parse(account, _lines(db, "SHOW GRANTS"))
    with_roles = None
    if held.roles and not db.version.is_mariadb:
        # MariaDB does not let a user see what an inactive role of its own holds.
        using = f"SHOW GRANTS FOR CURRENT_USER() USING {', '.join(held.roles)}"
        with_roles = parse(account, _lines(db, using))
    cipher = db.rows("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
    shut = db.rows("SHOW GLOBAL VARIABLES LIKE 'super_read_only'")
    return _Account(
        db.version,
        held,
        with_roles,
        tls=bool(cipher and cipher[0]["Value"]),
        super_read_only=bool(shut and shut[0]["Value"] == "ON"),
    )


def _lines(db: MySQL, sql: str) -> Iterable[str]:
    return [str(next(iter(row.values()))) for row in db.rows(sql, limit=MOST_LINES)]


def _role(fleet: Fleet, db: MySQL) -> tuple[Role | None, str]:
    try:
        identity = fleet.identify(db)
    except Unreadable as error:
        return None, str(error)
    return identity.role, identity.says


def _spare_port(fleet: Fleet, target: Target, reader: User) -> str:
    """Why the spare port does not let the reader in; '' where it does, or where it lacks the privilege for it."""
    instance = target.instance
    if instance.spare_port is None or reader.spare_port:
        return ""
    over = instance.model_copy(update={"port": instance.spare_port, "spare_port": None})
    _, refused = _asked(lambda: fleet.read(target.shard, over), lambda db: db.version)
    return f"Its spare port cannot be used: {refused}" if refused else ""


def _prometheus(config: Config, fleet: Fleet) -> Service:
    if config.prometheus is None or fleet.prometheus is None:
        return Service("prometheus", says=f"It is not configured: {len(PROMETHEUS)} diagnostics are off.")
    url = config.prometheus.url
    try:
        fleet.prometheus.instant("vector(1)")
    except Unreadable as error:
        return Service("prometheus", _public(url), _without_password(str(error), url))
    return Service("prometheus", _public(url))


def _alertmanager(config: Config) -> Service:
    url = config.prometheus.alertmanager if config.prometheus else None
    if not url:
        return Service("alertmanager", says="It is not configured: a takeover silences nothing.")
    try:
        AlertmanagerSilencer(url).answers()
    except FirstmateError as error:
        return Service("alertmanager", _public(url), _without_password(str(error), url))
    return Service("alertmanager", _public(url))


def _public(url: str) -> str:
    """A URL without a user and a password in it."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _without_password(says: str, url: str) -> str:
    return says.replace(url.rstrip("/"), _public(url).rstrip("/"))
