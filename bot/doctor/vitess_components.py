"""Checks that the components of each Vitess cluster answer: vtctld, every VTOrc and every vtgate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from actions.contract import Unreadable
from bot.config import Config, VitessCluster
from bot.doctor.instance_report import ServiceName, ServiceReport
from bot.errors import FirstmateError
from bot.fleet.vitess.reader import READ_WITHIN, show
from bot.fleet.vitess.status_pages import Pages
from bot.fleet.vitess.vtctld import Vtctld


def inspect_clusters(config: Config) -> Iterator[ServiceReport]:
    """Yields a report for each component, in the order of the configuration."""
    for cluster in config.vitess:
        yield _vtctld(cluster)
        for url in cluster.vtorcs:
            yield _vtorc(url)
        if not cluster.vtorcs and not cluster.no_vtorc:
            yield ServiceReport("vtorc", says=NO_VTORC.format(cluster=cluster.name), needed=cluster.may_change)
        for each in cluster.vtgates:
            yield _page("vtgate", each.url)
            if each.mysql is not None:
                yield _report("vtgate", each.mysql, partial(show, each, "SHOW VITESS_TABLETS", "", 1))


NO_VTORC = (
    "No VTOrc is configured for the cluster {cluster}. Firstmate cannot tell whether VTOrc is repairing a shard, so it "
    "changes nothing there. List all VTOrcs under `vtorcs`, or set `no_vtorc: true`."
)


def _vtctld(cluster: VitessCluster) -> ServiceReport:
    vtctld = Vtctld(cluster.vtctld)
    try:
        return _report("vtctld", cluster.vtctld.address, lambda: vtctld.call("GetKeyspaces", {}, timeout=READ_WITHIN))
    finally:
        vtctld.close()


def _vtorc(url: str) -> ServiceReport:
    def check_health() -> None:
        health = Pages(READ_WITHIN).page(f"{url}/debug/health")
        if not isinstance(health, Mapping) or not health.get("Healthy"):
            raise Unreadable(f"VTOrc at {url} reports that it is not healthy. Check its log.")

    return _report("vtorc", url, check_health)


def _page(name: ServiceName, url: str) -> ServiceReport:
    return _report(name, url, lambda: Pages(READ_WITHIN).read(f"{url}/debug/health"))


def _report(name: ServiceName, url: str, ask: Callable[[], object]) -> ServiceReport:
    try:
        ask()
    except (FirstmateError, Unreadable) as error:
        return ServiceReport(name, url, str(error))
    return ServiceReport(name, url)
