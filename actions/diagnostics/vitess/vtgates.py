"""How the vtgates see a shard: whether they buffer requests, which errors they return, and which tablets they use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from actions.contract import Cost, Count, Flavour, Seconds, Unreadable, diagnostic
from actions.prometheus_contract import Series
from actions.scraped_metrics import value, values
from actions.vitess_contract import Component, ComponentAnswer, Vitess

PerSecond: TypeAlias = float
APART: Seconds = 1.0
"""Time between the two samples of the counters."""
SHOWN = 50
GATES = 50
"""Vtgates that are returned."""
BUFFER = ("starts", "stops", "requests_buffered", "requests_drained", "requests_evicted", "requests_skipped")
ERRORS, CALLS, CALL_ERRORS = "vtgate_api_error_counts", "vtgate_vttablet_call_count", "vtgate_vttablet_call_error_count"
HEALTHY, HEALTH_ERRORS = "vtgate_healthcheck_connections", "vtgate_healthcheck_errors"
REFRESH_LAG, LAST_FAILOVER = "vtgate_topology_watcher_max_refresh_lag", "vtgate_buffer_last_failover_duration_ms"
METRICS = (
    *(f"vtgate_buffer_{each}" for each in BUFFER),
    *(ERRORS, CALLS, CALL_ERRORS, HEALTHY, HEALTH_ERRORS, REFRESH_LAG, LAST_FAILOVER),
)


@dataclass(frozen=True, slots=True)
class RatedCounter:
    """One reason or code of a counter."""

    name: str = ""
    """The reason or the code."""
    total: Count = 0
    """The count since the vtgate started."""
    per_second: PerSecond = 0.0
    """The increase per second between the two samples."""


@dataclass(frozen=True, slots=True)
class Vtgate:
    """How one vtgate sees the shard, and its errors of the keyspace."""

    address: str = ""
    buffering: bool = False
    """Whether it buffers requests for the shard's primary now."""
    buffer_starts: Count = 0
    """How often it has begun to buffer since it started."""
    buffer_stops: tuple[RatedCounter, ...] = ()
    """Why buffering ended: NewPrimarySeen is a successful failover, MaxDurationExceeded one that took too long."""
    evicted: tuple[RatedCounter, ...] = ()
    """Buffered requests that then failed, by reason: WindowExceeded, BufferFull, ContextDone."""
    skipped: tuple[RatedCounter, ...] = ()
    """Requests that were not buffered, by reason: LastFailoverTooRecent, BufferFull, Disabled."""
    buffered: Count = 0
    """Requests buffered since it started."""
    last_failover: Seconds | None = None
    """How long the last buffering took; empty if there was none."""
    errors: tuple[RatedCounter, ...] = ()
    """Errors returned to clients of the keyspace, by code, the highest rate first."""
    tablet_errors: tuple[RatedCounter, ...] = ()
    """Failed calls to tablets of the shard, by tablet type."""
    tablet_calls_per_second: PerSecond = 0.0
    """Calls to tablets of the shard per second."""
    healthy: tuple[RatedCounter, ...] = ()
    """Tablets of the shard that it uses, by type in lower case. Types without a healthy tablet are absent; `per_second`
    is always 0."""
    health_errors_per_second: PerSecond = 0.0
    """Errors per second of the streams in which the shard's tablets report their health."""
    refresh_lag: Seconds | None = None
    """Time since it last refreshed the tablets of a cell from the topology."""

    @property
    def healthy_primaries(self) -> Count:
        """Healthy primaries of the shard that it uses."""
        return _total(self.healthy, "primary")

    @property
    def healthy_replicas(self) -> Count:
        """Healthy replicas of the shard that it uses."""
        return _total(self.healthy, "replica")

    @property
    def errors_per_second(self) -> PerSecond:
        """Errors per second returned to clients of the keyspace."""
        return sum(each.per_second for each in self.errors)

    @property
    def tablet_errors_per_second(self) -> PerSecond:
        """Failed calls per second to tablets of the shard."""
        return sum(each.per_second for each in self.tablet_errors)


@dataclass(frozen=True, slots=True)
class Vtgates:
    """The vtgates of a cluster."""

    keyspace: str = ""
    shard: str = ""
    vtgates: tuple[Vtgate, ...] = ()
    """Vtgates that answered; 50 at most."""
    silent: tuple[str, ...] = ()
    """Addresses of those that did not answer."""
    missing: tuple[str, ...] = ()
    """What could not be read, one sentence each."""

    @property
    def buffering(self) -> tuple[Vtgate, ...]:
        """Vtgates that buffer requests for the shard's primary now."""
        return tuple(each for each in self.vtgates if each.buffering)

    @property
    def without_primary(self) -> tuple[Vtgate, ...]:
        """Vtgates that have no primary of the shard to send writes to."""
        return tuple(each for each in self.vtgates if not each.healthy_primaries)

    @property
    def without_replica(self) -> tuple[Vtgate, ...]:
        """Vtgates that have no replica of the shard to send reads to."""
        return tuple(each for each in self.vtgates if not each.healthy_replicas)

    @property
    def errors_per_second(self) -> PerSecond:
        """Errors per second returned to clients of the keyspace, by all vtgates that answered."""
        return sum(each.errors_per_second for each in self.vtgates)

    @property
    def tablet_errors_per_second(self) -> PerSecond:
        """Failed calls per second to tablets of the shard, of all vtgates that answered."""
        return sum(each.tablet_errors_per_second for each in self.vtgates)

    @property
    def evicted_per_second(self) -> PerSecond:
        """Buffered requests that failed per second between the two samples."""
        return sum(each.per_second for gate in self.vtgates for each in gate.evicted)

    @property
    def disagree(self) -> bool:
        """Whether some vtgates have a primary of the shard and others have none."""
        return 0 < len(self.without_primary) < len(self.vtgates)


@diagnostic(cost=Cost.LOW, needs={Flavour.VITESS: ("vtgate /metrics",), Flavour.MYSQL: ()})
def vtgates(vt: Vitess) -> Vtgates:
    """Samples the counters of every vtgate twice, a second apart.

    A vtgate that has begun to buffer more often than it has stopped is buffering. vtgate_healthcheck_connections has no
    series for a tablet type without a healthy tablet. Raises Unreadable if no vtgate answers.
    """
    before = vt.metrics(Component.VTGATE, *METRICS)
    if not any(each.ok for each in before):
        asked = "; ".join(f"{each.who}: {each.error}" for each in before[:5]) or "the configuration names none"
        raise Unreadable(
            f"The metrics of no vtgate of {vt.cluster} could be read ({asked}). Check that the vtgates are running."
        )
    vt.pause(APART)
    after = {each.who: each for each in vt.metrics(Component.VTGATE, *METRICS)}
    missing: list[str] = []
    found, silent = [], []
    for first in before:
        second = after.get(first.who, first)
        if first.ok and second.ok:
            found.append(_vtgate(vt, first, second))
        else:
            silent.append(first.who)
            missing.append(f"The metrics of the vtgate at {first.who} could not be read: {first.error or second.error}")
    if len(found) > GATES:
        missing.append(f"{len(found)} vtgates answered; only {GATES} of them are returned.")
    return Vtgates(vt.keyspace, vt.shard, tuple(found[:GATES]), tuple(silent[:GATES]), tuple(missing[: GATES + 1]))


def _vtgate(vt: Vitess, before: ComponentAnswer, after: ComponentAnswer) -> Vtgate:
    shard = {"keyspace": vt.keyspace, "shard_name": vt.shard}
    first, now = before.body, after.body

    def by(name: str, label: str, labels: Mapping[str, str] = shard) -> tuple[RatedCounter, ...]:
        return _rates(values(first, name, by=label, **labels), values(now, name, by=label, **labels))

    def rate(name: str) -> float:
        return max(0.0, (value(now, name, **shard) or 0.0) - (value(first, name, **shard) or 0.0)) / APART

    starts = int(value(now, "vtgate_buffer_starts", **shard) or 0)
    stops = by("vtgate_buffer_stops", "reason")
    last = value(now, LAST_FAILOVER, **shard)
    return Vtgate(
        address=after.who,
        buffering=starts > sum(each.total for each in stops),
        buffer_starts=starts,
        buffer_stops=stops,
        evicted=by("vtgate_buffer_requests_evicted", "reason"),
        skipped=by("vtgate_buffer_requests_skipped", "reason"),
        buffered=int(value(now, "vtgate_buffer_requests_buffered", **shard) or 0),
        last_failover=None if last is None else last / 1000,
        errors=_rates(_errors(first, vt.keyspace), _errors(now, vt.keyspace)),
        tablet_errors=by(CALL_ERRORS, "db_type"),
        tablet_calls_per_second=rate(CALLS),
        healthy=tuple(RatedCounter(name, int(count)) for name, count in sorted(_healthy(now, shard).items()) if count),
        health_errors_per_second=rate(HEALTH_ERRORS),
        refresh_lag=value(now, REFRESH_LAG),
    )


def _errors(series: Sequence[Series], keyspace: str) -> dict[str, float]:
    """Returns errors by code, of clients that named the keyspace, or one of its shards, or none."""
    found: dict[str, float] = {}
    for each in series:
        named = each.labels.get("keyspace", "").partition("/")[0].partition(":")[0].partition("@")[0]
        if named in ("", keyspace):
            for code, count in values((each,), ERRORS, by="code").items():
                found[code] = found.get(code, 0.0) + count
    return found


def _healthy(series: Sequence[Series], shard: Mapping[str, str]) -> dict[str, float]:
    return values(series, HEALTHY, by="tablet_type", **shard)


def _rates(before: Mapping[str, float], now: Mapping[str, float]) -> tuple[RatedCounter, ...]:
    """Returns each reason with its total and its increase per second, without those that never occurred."""
    found = [
        RatedCounter(name, int(total), max(0.0, total - before.get(name, 0.0)) / APART)
        for name, total in now.items()
        if total
    ]
    return tuple(sorted(found, key=lambda each: (-each.per_second, -each.total, each.name))[:SHOWN])


def _total(counted: Sequence[RatedCounter], name: str) -> int:
    return sum(each.total for each in counted if each.name.lower() == name)
