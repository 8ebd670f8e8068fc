"""Looks whether the components of each Vitess cluster answer: vtctld, every VTOrc and every vtgate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from actions.contract import Unreadable
from bot.config import Config, VitessCluster
from bot.doctor.instance import Name, Service
from bot.errors import FirstmateError
from bot.fleet.vitess.reader import READ_WITHIN, show
from bot.fleet.vitess.status_pages import Pages
from bot.fleet.vitess.vtctld import Vtctld


def clusters(config: Config) -> Iterator[Service]:
    """Each component as a service, in the order of the configuration; what is wrong is a sentence of it."""
    for cluster in config.vitess:
        yield _vtctld(cluster)
        for url in cluster.vtorcs:
            yield _vtorc(url)
        if not cluster.vtorcs and not cluster.no_vtorc:
            yield Service("vtorc", says=NO_VTORC.format(cluster=cluster.name), needed=cluster.may_change)
        for each in cluster.vtgates:
            yield _page("vtgate", each.url)
            if each.mysql is not None:
                yield _asked("vtgate", each.mysql, partial(show, each, "SHOW VITESS_TABLETS", "", 1))


NO_VTORC = (
    "No VTOrc of {cluster} is configured, so nobody can tell whether one is repairing a shard, and nothing is changed "
    "there. Name them under `vtorcs`, or say `no_vtorc: true`."
)


def _vtctld(cluster: VitessCluster) -> Service:
    vtctld = Vtctld(cluster.vtctld)
    try:
        return _asked("vtctld", cluster.vtctld.address, lambda: vtctld.call("GetKeyspaces", {}, timeout=READ_WITHIN))
    finally:
        vtctld.close()


def _vtorc(url: str) -> Service:
    def look() -> None:
        health = Pages(READ_WITHIN).page(f"{url}/debug/health")
        if not isinstance(health, Mapping) or not health.get("Healthy"):
            raise Unreadable(f"VTOrc at {url} does not call itself healthy.")

    return _asked("vtorc", url, look)


def _page(name: Name, url: str) -> Service:
    return _asked(name, url, lambda: Pages(READ_WITHIN).read(f"{url}/debug/health"))


def _asked(name: Name, url: str, ask: Callable[[], object]) -> Service:
    try:
        ask()
    except (FirstmateError, Unreadable) as error:
        return Service(name, url, str(error))
    return Service(name, url)
