"""A Vitess cluster that answers from a record, for what is hard to provoke."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from actions.contract import Flavour, MySQL, Row, ServerVersion, Unreadable
from actions.prometheus_contract import Sample, Series
from actions.vitess_contract import Component, ComponentAnswer, Request, Tablet
from tests.recorded import MYSQL_97, Recorded

VITESS_24 = ServerVersion(Flavour.VITESS, (24, 0, 0))


def tablet(uid: int, type_: str = "REPLICA", shard: str = "-80", *, since: float | None = None) -> Tablet:
    """A tablet of commerce in zone1."""
    return Tablet(
        alias=f"zone1-{uid:010d}",
        cell="zone1",
        uid=uid,
        keyspace="commerce",
        shard=shard,
        type=type_,
        hostname="127.0.0.1",
        web_port=15000 + uid,
        grpc_port=16000 + uid,
        mysql_hostname="127.0.0.1",
        mysql_port=17000 + uid,
        primary_since=since,
    )


THREE = (tablet(100, "PRIMARY", since=1_772_334_000.0), tablet(101), tablet(102))
"""A shard in health: its primary and two replicas."""


def series(value: float, /, **labels: str) -> Series:
    """One series with one sample; its name is the label `__name__`."""
    return Series(labels, (Sample(0.0, value),))


class RecordedVitess(Recorded):
    """Implements actions.vitess_contract.Vitess.

    `calls` answers RPCs: by the name alone, or by the name and an alias (`GetFullStatus zone1-0000000101`), which goes
    first. `pages` answers `vtorc /api/problems`, `vttablet zone1-0000000100 /debug/health`, `metrics vtgate` and
    `metrics vttablet zone1-0000000100`.
    An answer that is an exception is an error; what is not recorded is one, too. A list of a page is one answer of
    each component; anything else is the answer of one.
    """

    def __init__(
        self,
        calls: Mapping[str, Any] | None = None,
        pages: Mapping[str, Any] | None = None,
        *,
        shows: Mapping[str, Sequence[Row]] | None = None,
        rows: Mapping[str, Sequence[Row] | Exception] | None = None,
        tablets: Sequence[Tablet] = THREE,
        tablet: str = "zone1-0000000100",
        under: Mapping[str, MySQL] | None = None,
    ) -> None:
        super().__init__(VITESS_24, rows or {}, "commerce/-80")
        self.cluster, self.keyspace, self.shard, self.tablet = "lab", "commerce", "-80", tablet
        self.calls, self.pages, self.shows = dict(calls or {}), dict(pages or {}), dict(shows or {})
        self.of_keyspace, self.under = tuple(tablets), dict(under or {})
        self.called: list[tuple[str, Request]] = []

    def tablets(self, *, of_keyspace: bool = False) -> tuple[Tablet, ...]:
        """Those of the record."""
        return tuple(each for each in self.of_keyspace if of_keyspace or each.shard == self.shard)

    def rpc(self, name: str, /, **request: Any) -> Mapping[str, Any]:
        """Answers from the record, and keeps what was called."""
        self.called.append((name, request))
        answer = self.calls.get(f"{name} {_about(request)}", self.calls.get(name))
        if answer is None:
            raise Unreadable(f"vtctld has no recorded answer to {name}")
        if isinstance(answer, Exception):
            raise answer
        found: Mapping[str, Any] = answer
        return found

    def rpcs(self, name: str, requests: Sequence[Request]) -> tuple[ComponentAnswer, ...]:
        """Answers each in its turn."""
        found = []
        for request in requests:
            about = _about(request)
            try:
                found.append(ComponentAnswer(about, self.rpc(name, **request)))
            except Unreadable as error:
                found.append(ComponentAnswer(about, error=str(error)))
        return tuple(found)

    def web(self, component: Component, path: str, *, tablet: str = "") -> tuple[ComponentAnswer, ...]:
        """Answers from the record."""
        if component is not Component.VTTABLET:
            return self._pages(f"{component.value} {path}", component.value)
        wanted = [tablet] if tablet else [each.alias for each in self.tablets()]
        return tuple(one for alias in wanted for one in self._pages(f"vttablet {alias} {path}", alias))

    def metrics(self, component: Component, *names: str, tablet: str = "") -> tuple[ComponentAnswer, ...]:
        """Answers the recorded series that have one of the names."""
        return tuple(
            ComponentAnswer(each.who, tuple(s for s in each.body if s.labels["__name__"] in names)) if each.ok else each
            for each in self._metrics(component, tablet)
        )

    def _metrics(self, component: Component, tablet: str) -> tuple[ComponentAnswer, ...]:
        key = f"metrics {component.value}"
        if component is not Component.VTTABLET or (key in self.pages and not tablet):
            return self._pages(key, component.value)
        wanted = [tablet] if tablet else [each.alias for each in self.tablets()]
        return tuple(one for alias in wanted for one in self._pages(f"{key} {alias}", alias))

    def vtgate(self, sql: str, *, use: str = "", limit: int = 200) -> list[Row]:
        """Answers from the record of `shows`."""
        for part, answer in self.shows.items():
            if part in sql:
                return list(answer)[:limit]
        raise Unreadable(f"vtgate has no recorded answer to {sql!r}")

    def mysql_of(self, tablet: str) -> MySQL:
        """The recorded server beneath a tablet."""
        if tablet not in self.under:
            raise Unreadable(f"the MySQL beneath {tablet} cannot be reached")
        return self.under[tablet]

    def _pages(self, key: str, who: str) -> tuple[ComponentAnswer, ...]:
        found = self.pages.get(key, Unreadable(f"{key} has no recorded answer"))
        return tuple(
            ComponentAnswer(who, error=str(each)) if isinstance(each, Exception) else ComponentAnswer(who, each)
            for each in (found if isinstance(found, list) else [found])
        )


def server(answers: Mapping[str, Sequence[Row] | Exception]) -> Recorded:
    """A MySQL beneath a tablet."""
    return Recorded(MYSQL_97, answers)


def _about(request: Request) -> str:
    record = request.get("tablet_alias") or {}
    return f"{record['cell']}-{int(record['uid']):010d}" if record else ""
