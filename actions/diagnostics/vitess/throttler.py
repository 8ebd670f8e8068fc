"""What the throttler of a shard holds back now, and why: a metric over its threshold, or a person's own rule."""

from __future__ import annotations

import time
from dataclasses import dataclass

from actions.contract import Cost, Flavour, Moment, Seconds, Unreadable, diagnostic
from actions.protobuf_json import Record, age, decimal, inner, moment, text, whole
from actions.vitess_contract import Vitess, alias_record

IGNORED = "always-throttled-app"
"""A rule that every throttler has, for its own tests."""
LATELY: Seconds = 60.0
"""How long ago an app may have asked and still counts as one that asks."""
MOST = 50


@dataclass(frozen=True, slots=True)
class Rule:
    """What a person or a tool set for one app."""

    app: str
    ratio: float = 0.0
    """Share of its requests that are denied: 1.0 stops it."""
    expires_at: Moment = 0.0
    """Unix time in seconds."""
    expires_in: Seconds = 0.0
    exempt: bool = False
    """Whether it is never held back, whatever the metrics say."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of the shard, as its primary sees it."""

    name: str
    """Such as `shard/lag`; `self/` is of the primary alone."""
    value: float = 0.0
    threshold: float = 0.0
    exceeds: bool = False
    checked: bool = False
    """Whether any app is held back by it; most metrics are only watched."""
    unhealthy_for: Seconds = 0.0
    """Since it was within its threshold last."""
    error: str = ""


@dataclass(frozen=True, slots=True)
class App:
    """An app that asked lately, such as `online-ddl` or `vreplication`."""

    app: str
    answer: str = ""
    """OK, APP_DENIED for a rule of its own, THRESHOLD_EXCEEDED for a metric, or UNKNOWN_METRIC."""
    asked: Seconds = 0.0
    """How long ago."""
    tablet: str = ""

    @property
    def held(self) -> bool:
        """Whether it was not let through."""
        return self.answer not in ("", "OK")


@dataclass(frozen=True, slots=True)
class TabletThrottler:
    """The throttler of one tablet."""

    tablet: str
    enabled: bool = False
    open: bool = False
    """Whether it looks at its metrics; a tablet that does not serve does not."""
    leader: bool = False
    """Whether it is that of the primary, which counts for the shard."""
    denied: tuple[str, ...] = ()
    """Apps that a rule holds back, as this tablet knows it; it hears of a change within seconds."""


@dataclass(frozen=True, slots=True)
class Throttler:
    """The throttler of a shard and what is set for it in the keyspace."""

    keyspace: str = ""
    enabled: bool | None = None
    """In the keyspace's own settings; empty where they could not be read."""
    rules: tuple[Rule, ...] = ()
    """In force now, for the whole keyspace."""
    metrics: tuple[Metric, ...] = ()
    apps: tuple[App, ...] = ()
    """Those that asked within a minute, those that were held back first."""
    tablets: tuple[TabletThrottler, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def by_hand(self) -> tuple[Rule, ...]:
        """Rules that hold an app back."""
        return tuple(rule for rule in self.rules if rule.ratio > 0 and not rule.exempt)

    @property
    def exceeding(self) -> tuple[Metric, ...]:
        """Metrics over their thresholds that hold apps back."""
        return tuple(metric for metric in self.metrics if metric.exceeds and metric.checked)

    @property
    def unread(self) -> tuple[Metric, ...]:
        """Metrics that hold apps back because they cannot be read."""
        return tuple(metric for metric in self.metrics if metric.error and metric.checked)

    @property
    def held(self) -> tuple[App, ...]:
        """Apps that were held back when they asked last."""
        return tuple(app for app in self.apps if app.held)

    @property
    def disagreeing(self) -> tuple[str, ...]:
        """Tablets whose throttler is not what the keyspace's settings say."""
        return tuple(one.tablet for one in self.tablets if self.enabled is not None and one.enabled is not self.enabled)


@diagnostic(cost=Cost.LOW, needs={Flavour.VITESS: ("GetTablets", "GetThrottlerStatus", "GetKeyspace")})
def throttler(vt: Vitess) -> Throttler:
    """Asks the throttler of each tablet of the shard, and the keyspace for its settings.

    The answer of a check proves nothing here: a throttler that is off answers OK, too.
    """
    now = time.time()
    missing: list[str] = []
    statuses = _statuses(vt, missing)
    settings = _settings(vt, missing)
    if not statuses and settings is None:
        raise Unreadable(" ".join(missing))
    leader = next((status for status in statuses.values() if status.get("is_leader")), {})
    rules = inner(settings if settings is not None else leader, "throttled_apps")
    apps = [app for alias, status in statuses.items() for app in _apps(alias, status, now)]
    return Throttler(
        keyspace=vt.keyspace,
        enabled=None if settings is None else bool(settings.get("enabled")),
        rules=_rules(rules, now),
        metrics=_metrics(leader, now),
        apps=tuple(sorted(apps, key=lambda app: (not app.held, app.app, app.tablet))[:MOST]),
        tablets=tuple(
            TabletThrottler(
                tablet=alias,
                enabled=bool(status.get("is_enabled")),
                open=bool(status.get("is_open")),
                leader=bool(status.get("is_leader")),
                denied=tuple(rule.app for rule in _rules(inner(status, "throttled_apps"), now) if rule.ratio > 0),
            )
            for alias, status in statuses.items()
        ),
        missing=tuple(missing),
    )


def _statuses(vt: Vitess, missing: list[str]) -> dict[str, Record]:
    """The status of each tablet that answered, by its alias."""
    try:
        aliases = [tablet.alias for tablet in vt.tablets()]
    except Unreadable as error:
        missing.append(str(error))
        return {}
    answers = vt.rpcs("GetThrottlerStatus", [{"tablet_alias": alias_record(alias)} for alias in aliases])
    found = {}
    for alias, answer in zip(aliases, answers, strict=True):
        if answer.ok:
            found[alias] = inner(answer.body, "status")
        else:
            missing.append(f"The throttler of {alias} could not be read: {answer.error}")
    return found


def _settings(vt: Vitess, missing: list[str]) -> Record | None:
    try:
        return inner(vt.rpc("GetKeyspace", keyspace=vt.keyspace), "keyspace", "keyspace", "throttler_config")
    except Unreadable as error:
        missing.append(f"The settings of keyspace {vt.keyspace} could not be read: {error}")
        return None


def _rules(rules: Record, now: float) -> tuple[Rule, ...]:
    found = []
    for app in sorted(rules)[:MOST]:
        until = moment(inner(rules, app), "expires_at")
        if app != IGNORED and until > now:
            rule = inner(rules, app)
            found.append(Rule(app, decimal(rule, "ratio"), until, round(until - now, 1), bool(rule.get("exempt"))))
    return tuple(found)


def _metrics(status: Record, now: float) -> tuple[Metric, ...]:
    """The metrics of the primary; a name without a scope is the same as one with, so it is left out."""
    thresholds = inner(status, "metric_thresholds")
    checked = {text(status, "metric_name_used_as_default") or "lag"}
    for names in inner(status, "app_checked_metrics").values():
        checked |= {name.strip().rpartition("/")[2] for name in str(names).split(",")}
    found = []
    for name, result in sorted(inner(status, "aggregated_metrics").items()):
        scope, _, plain = name.rpartition("/")
        if not scope:
            continue
        value, threshold = decimal(result, "value"), decimal(thresholds, plain)
        health = inner(status, "metrics_health", name) or inner(status, "metrics_health", plain)
        found.append(
            Metric(
                name=name,
                value=round(value, 3),
                threshold=threshold,
                exceeds=plain in thresholds and value > threshold,
                checked=plain in checked,
                unhealthy_for=float(whole(health, "seconds_since_last_healthy")) or age(health, "last_healthy_at", now),
                error=text(result, "error")[:200],
            )
        )
    return tuple(found[:MOST])


def _apps(alias: str, status: Record, now: float) -> list[App]:
    found = []
    for name, seen in inner(status, "recent_apps").items():
        asked = age(seen, "checked_at", now)
        if name != IGNORED and asked <= LATELY:
            found.append(App(app=name[:120], answer=text(seen, "response_code"), asked=asked, tablet=alias))
    return found
