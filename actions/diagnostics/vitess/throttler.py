"""Which apps the throttler of a shard denies now, and why: a metric above its threshold, or a rule set by hand."""

from __future__ import annotations

import time
from dataclasses import dataclass

from actions.contract import Cost, Flavour, Moment, Seconds, Unreadable, diagnostic
from actions.protobuf_json import Record, age, decimal, integer, moment, nested, text
from actions.vitess_contract import Vitess, alias_record
from actions.vitess_records import throttler_settings

IGNORED = "always-throttled-app"
"""A rule that every throttler has for its own tests."""
LATELY: Seconds = 60.0
"""Age up to which the last request of an app counts as current."""
MOST = 50


@dataclass(frozen=True, slots=True)
class ThrottlerRule:
    """The rule that a person or a tool set for one app."""

    app: str
    """The app, such as `online-ddl` or `vreplication`."""
    ratio: float = 0.0
    """Share of its requests that are denied: 1.0 denies all."""
    expires_at: Moment = 0.0
    """When the rule expires, in Unix seconds."""
    expires_in: Seconds = 0.0
    """Time until the rule expires."""
    exempt: bool = False
    """Whether the app is never throttled, whatever the metrics are."""


@dataclass(frozen=True, slots=True)
class ThrottlerMetric:
    """One metric of the shard, as its primary measures it."""

    name: str
    """The metric with its scope, such as `shard/lag`; `self/` is of the primary alone."""
    value: float = 0.0
    """Its present value: seconds for lag, a count for others."""
    threshold: float = 0.0
    """Its threshold, in the same unit."""
    exceeds: bool = False
    """Whether the value is above the threshold."""
    checked: bool = False
    """Whether it throttles any app; most metrics are only measured."""
    unhealthy_for: Seconds = 0.0
    """Time since it was last within its threshold."""
    error: str = ""
    """Why it could not be measured; '' if it could."""


@dataclass(frozen=True, slots=True)
class ThrottlerApp:
    """An app that recently asked the throttler, such as `online-ddl` or `vreplication`."""

    app: str
    answer: str = ""
    """OK, APP_DENIED for a rule, THRESHOLD_EXCEEDED for a metric, or UNKNOWN_METRIC."""
    asked: Seconds = 0.0
    """Time since its last request."""
    tablet: str = ""
    """The tablet whose throttler it asked."""

    @property
    def held(self) -> bool:
        """Whether its last request was denied."""
        return self.answer not in ("", "OK")


@dataclass(frozen=True, slots=True)
class TabletThrottler:
    """The throttler of one tablet."""

    tablet: str
    enabled: bool = False
    """Whether the tablet's throttler is enabled."""
    open: bool = False
    """Whether it measures its metrics; a tablet that does not serve does not."""
    leader: bool = False
    """Whether it is the primary's throttler, which decides for the shard."""
    denied: tuple[str, ...] = ()
    """Apps with a rule, as this tablet knows it; it learns of a change within seconds."""


@dataclass(frozen=True, slots=True)
class Throttler:
    """The throttler of a shard, and its settings in the keyspace record."""

    keyspace: str = ""
    enabled: bool | None = None
    """Whether the keyspace record enables the throttler; empty if that could not be read."""
    rules: tuple[ThrottlerRule, ...] = ()
    """Rules in force for the whole keyspace."""
    metrics: tuple[ThrottlerMetric, ...] = ()
    """The metrics of the shard, as its primary measures them."""
    apps: tuple[ThrottlerApp, ...] = ()
    """Apps that asked within the last minute, denied ones first."""
    tablets: tuple[TabletThrottler, ...] = ()
    """The throttler of each tablet that answered."""
    missing: tuple[str, ...] = ()
    """What could not be read, one sentence each."""

    @property
    def by_hand(self) -> tuple[ThrottlerRule, ...]:
        """Rules that deny requests of an app."""
        return tuple(rule for rule in self.rules if rule.ratio > 0 and not rule.exempt)

    @property
    def exceeding(self) -> tuple[ThrottlerMetric, ...]:
        """Metrics above their thresholds that throttle apps."""
        return tuple(metric for metric in self.metrics if metric.exceeds and metric.checked)

    @property
    def unread(self) -> tuple[ThrottlerMetric, ...]:
        """Metrics that throttle apps because they cannot be measured."""
        return tuple(metric for metric in self.metrics if metric.error and metric.checked)

    @property
    def held(self) -> tuple[ThrottlerApp, ...]:
        """Apps whose last request was denied."""
        return tuple(app for app in self.apps if app.held)

    @property
    def disagreeing(self) -> tuple[str, ...]:
        """Tablets whose throttler is enabled or disabled contrary to the keyspace record."""
        return tuple(one.tablet for one in self.tablets if self.enabled is not None and one.enabled is not self.enabled)


@diagnostic(cost=Cost.LOW, needs={Flavour.VITESS: ("GetTablets", "GetThrottlerStatus", "GetKeyspace")})
def throttler(vt: Vitess) -> Throttler:
    """Reads the throttler of each tablet of the shard, and its settings in the keyspace record.

    No throttler check is made, because it would prove nothing: a disabled throttler answers OK as well.
    """
    now = time.time()
    missing: list[str] = []
    statuses = _statuses(vt, missing)
    settings = _settings(vt, missing)
    if not statuses and settings is None:
        raise Unreadable(" ".join(missing))
    leader = next((status for status in statuses.values() if status.get("is_leader")), {})
    rules = nested(settings if settings is not None else leader, "throttled_apps")
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
                denied=tuple(rule.app for rule in _rules(nested(status, "throttled_apps"), now) if rule.ratio > 0),
            )
            for alias, status in statuses.items()
        ),
        missing=tuple(missing),
    )


def _statuses(vt: Vitess, missing: list[str]) -> dict[str, Record]:
    """Returns the status of each tablet that answered, by its alias."""
    try:
        aliases = [tablet.alias for tablet in vt.tablets()]
    except Unreadable as error:
        missing.append(str(error))
        return {}
    answers = vt.rpcs("GetThrottlerStatus", [{"tablet_alias": alias_record(alias)} for alias in aliases])
    found = {}
    for alias, answer in zip(aliases, answers, strict=True):
        if answer.ok:
            found[alias] = nested(answer.body, "status")
        else:
            missing.append(f"The throttler of {alias} could not be read: {answer.error}")
    return found


def _settings(vt: Vitess, missing: list[str]) -> Record | None:
    try:
        return throttler_settings(vt)
    except Unreadable as error:
        missing.append(f"The throttler settings of keyspace {vt.keyspace} could not be read: {error}")
        return None


def _rules(rules: Record, now: float) -> tuple[ThrottlerRule, ...]:
    found = []
    for app in sorted(rules)[:MOST]:
        until = moment(nested(rules, app), "expires_at")
        if app != IGNORED and until > now:
            rule = nested(rules, app)
            found.append(
                ThrottlerRule(app, decimal(rule, "ratio"), until, round(until - now, 1), bool(rule.get("exempt")))
            )
    return tuple(found)


def _metrics(status: Record, now: float) -> tuple[ThrottlerMetric, ...]:
    """Returns the primary's metrics; a name without a scope repeats one with a scope, so it is left out."""
    thresholds = nested(status, "metric_thresholds")
    checked = {text(status, "metric_name_used_as_default") or "lag"}
    for names in nested(status, "app_checked_metrics").values():
        checked |= {name.strip().rpartition("/")[2] for name in str(names).split(",")}
    found = []
    for name, result in sorted(nested(status, "aggregated_metrics").items()):
        scope, _, plain = name.rpartition("/")
        if not scope:
            continue
        value, threshold = decimal(result, "value"), decimal(thresholds, plain)
        health = nested(status, "metrics_health", name) or nested(status, "metrics_health", plain)
        found.append(
            ThrottlerMetric(
                name=name,
                value=round(value, 3),
                threshold=threshold,
                exceeds=plain in thresholds and value > threshold,
                checked=plain in checked,
                unhealthy_for=float(integer(health, "seconds_since_last_healthy"))
                or age(health, "last_healthy_at", now),
                error=text(result, "error")[:200],
            )
        )
    return tuple(found[:MOST])


def _apps(alias: str, status: Record, now: float) -> list[ThrottlerApp]:
    found = []
    for name, seen in nested(status, "recent_apps").items():
        asked = age(seen, "checked_at", now)
        if name != IGNORED and asked <= LATELY:
            found.append(ThrottlerApp(app=name[:120], answer=text(seen, "response_code"), asked=asked, tablet=alias))
    return found
