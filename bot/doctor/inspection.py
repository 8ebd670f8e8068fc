"""Inspects every server and service of a configuration, many in parallel, each with its own timeout."""

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
from bot.doctor.instance_report import InstanceReport, ServiceReport
from bot.doctor.proxysql_users import inspect_proxy
from bot.doctor.report import DoctorReport, unanswered
from bot.doctor.user_privileges import PROMETHEUS, Kind, UserReport, assess_user
from bot.doctor.vitess_components import inspect_clusters
from bot.engine.ports import Fleet
from bot.engine.targets import Target
from bot.errors import FirstmateError
from bot.fleet.alertmanager_silences import AlertmanagerSilencer
from bot.fleet.configured_fleet import ConfiguredFleet
from bot.privileges.grant_parser import AccountPrivileges, parse
from bot.privileges.privilege_corrections import Corrections, Excess

T = TypeVar("T")
Progress = Callable[[int, int], None]

AT_A_TIME = 32
"""The number of servers that are inspected in parallel."""
WITHIN = 10.0
"""Seconds until the inspection of one server times out."""
MOST_LINES = 1000
"""The number of lines of SHOW GRANTS that are read; global privileges come first."""


@dataclass(frozen=True, slots=True)
class _AccountFacts:
    """What a session of a user read about the account and the server."""

    version: ServerVersion
    held: AccountPrivileges
    with_roles: AccountPrivileges | None
    tls: bool
    super_read_only: bool


def examine(config: Config, only: Sequence[str] = (), progress: Progress = lambda done, of: None) -> DoctorReport:
    """Inspects the servers of the inventory, or those of `only`, which names instances and shards. Changes nothing.

    Raises UnknownTarget for a name that is not in the inventory. Failures of servers and services go into the report.
    """
    fleet = ConfiguredFleet(config)
    targets = _chosen(fleet, only)
    progress(0, len(targets))
    services = _start(lambda: _prometheus(config, fleet)), _start(lambda: _alertmanager(config))
    vitess = _start(lambda: tuple(inspect_clusters(config)))
    found = {}
    for done, instance in enumerate(_each(fleet, targets), start=1):
        found[instance.name] = instance
        progress(done, len(targets))
    return DoctorReport(
        tuple(found[target.name] for target in targets), (*(service.result() for service in services), *vitess.result())
    )


def _chosen(fleet: ConfiguredFleet, only: Sequence[str]) -> tuple[Target, ...]:
    every = tuple(fleet.targets())
    wanted: set[str] = set()
    for name in only:
        shard = {target.name for target in every if target.shard.name == name}
        wanted |= shard or {fleet.find(name).name}
    return tuple(target for target in every if not only or target.name in wanted)


def _each(fleet: Fleet, targets: Sequence[Target]) -> Iterator[InstanceReport]:
    """Yields the report of each server as soon as it is ready; a server that times out does not delay the others."""
    waiting = deque(targets)
    running: dict[Future[InstanceReport], tuple[Target, float]] = {}
    while waiting or running:
        while waiting and len(running) < AT_A_TIME:
            target = waiting.popleft()
            running[_start(partial(inspect_instance, fleet, target))] = (target, time.monotonic() + WITHIN)
        soonest = min(deadline for _, deadline in running.values())
        done, _ = wait(running, timeout=max(0.0, soonest - time.monotonic()), return_when=FIRST_COMPLETED)
        for future in done:
            del running[future]
            yield future.result()
        for future, (target, deadline) in list(running.items()):
            if time.monotonic() >= deadline and not future.done():
                # Its thread ends with the timeouts of its sockets; its result is ignored.
                del running[future]
                yield unanswered(target, WITHIN)


def _start(do: Callable[[], T]) -> Future[T]:
    """Runs it in a daemon thread: unlike the threads of a pool, it does not keep the process from ending."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(do())
        except Exception as error:  # noqa: BLE001 - raised again by Future.result
            future.set_exception(error)

    threading.Thread(target=run, name="doctor", daemon=True).start()
    return future


def inspect_instance(fleet: Fleet, target: Target) -> InstanceReport:
    """Inspects one server as the reader and as the changer; every failure becomes a sentence of the report."""
    if target.is_proxy:
        return inspect_proxy(fleet, target)
    shard, instance = target.shard, target.instance
    role: tuple[Role | None, str] = (None, "")

    def as_reader(db: MySQL) -> _AccountFacts:
        nonlocal role
        seen = _account_facts(db)
        role = _role(fleet, db)
        return seen

    reader, refused = _asked(lambda: fleet.read(shard, instance), as_reader)
    if reader is None and not _greets(fleet, target):
        return InstanceReport(target, refused)
    users = [_user("reader", target, reader, refused)]
    changer: _AccountFacts | None = None
    if shard.changer is not None:
        changer, refused = _asked(lambda: _changing(fleet, target), _account_facts)
        users.append(_user("changer", target, changer, refused))
    if reader is not None and changer is not None and reader.held.account == changer.held.account:
        # The report of the changer names the excess privileges of the shared account.
        own = Corrections(users[0].corrections.grants)
        users = [replace(users[0], excess=Excess(), corrections=own), replace(users[1], same=True)]
    seen = reader or changer
    return InstanceReport(
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
    """Returns whether the port answers; true if it cannot be checked, since the user's report then has the reason."""
    try:
        return fleet.endpoint(target.shard, target.instance).probe().greeted
    except FirstmateError:
        return True


def _user(kind: Kind, target: Target, seen: _AccountFacts | None, refused: str) -> UserReport:
    if seen is None:
        return UserReport(kind, says=refused)
    spare = target.instance.spare_port is not None
    return assess_user(kind, seen.held, seen.version, spare_port=spare, with_roles=seen.with_roles)


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


def _account_facts(db: MySQL) -> _AccountFacts:
    account = str(db.rows("SELECT CURRENT_USER() AS account")[0]["account"])
    held = parse(account, _lines(db, "SHOW GRANTS"))
    with_roles = None
    if held.roles and not db.version.is_mariadb:
        # MariaDB does not show the privileges of an inactive role to its own user.
        using = f"SHOW GRANTS FOR CURRENT_USER() USING {', '.join(held.roles)}"
        with_roles = parse(account, _lines(db, using))
    cipher = db.rows("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
    shut = db.rows("SHOW GLOBAL VARIABLES LIKE 'super_read_only'")
    return _AccountFacts(
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


def _spare_port(fleet: Fleet, target: Target, reader: UserReport) -> str:
    """Returns why the reader cannot use the spare port; '' if it can, or if it lacks the privilege for it."""
    instance = target.instance
    if instance.spare_port is None or reader.spare_port:
        return ""
    over = instance.model_copy(update={"port": instance.spare_port, "spare_port": None})
    _, refused = _asked(lambda: fleet.read(target.shard, over), lambda db: db.version)
    return f"The spare port cannot be used: {refused}" if refused else ""


def _prometheus(config: Config, fleet: Fleet) -> ServiceReport:
    if config.prometheus is None or fleet.prometheus is None:
        return ServiceReport("prometheus", says=f"Not configured; {len(PROMETHEUS)} diagnostics are unavailable.")
    url = config.prometheus.url
    try:
        fleet.prometheus.instant("vector(1)")
    except Unreadable as error:
        return ServiceReport("prometheus", _public(url), _without_password(str(error), url))
    return ServiceReport("prometheus", _public(url))


def _alertmanager(config: Config) -> ServiceReport:
    url = config.prometheus.alertmanager if config.prometheus else None
    if not url:
        return ServiceReport("alertmanager", says="Not configured; assigning an alert does not silence it.")
    try:
        AlertmanagerSilencer(url).answers()
    except FirstmateError as error:
        return ServiceReport("alertmanager", _public(url), _without_password(str(error), url))
    return ServiceReport("alertmanager", _public(url))


def _public(url: str) -> str:
    """Returns a URL without user name and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _without_password(says: str, url: str) -> str:
    return says.replace(url.rstrip("/"), _public(url).rstrip("/"))
