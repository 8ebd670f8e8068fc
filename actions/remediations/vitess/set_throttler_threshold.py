"""Sets the threshold of one throttler metric for a limited time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Seconds, Statement, Verification
from actions.protobuf_json import decimal, nested
from actions.vitess_contract import Vitess, alias_record, call, primaries, runbook_command, vitess
from actions.vitess_records import throttler_settings

METRICS = {"lag": 300.0, "threads_running": 10_000.0, "loadavg": 100.0, "history_list_length": 1e9}
"""The metrics whose threshold may be set, with its maximum: seconds for lag, counts for the others."""
TIMES = 10.0
"""The factor by which a threshold may grow or shrink."""
LONGEST: Seconds = 24 * 3600.0


@dataclass(frozen=True)
class SetThrottlerThreshold(Remediation):
    """Sets a throttler threshold for the target's keyspace, and restores the former one when the time is over."""

    metric: str
    """The metric without its scope, such as `lag`."""
    threshold: float
    """The new threshold: seconds for `lag`, a count for the other metrics."""
    for_seconds: Seconds = 3600.0
    """Time after which the former threshold is restored; 86400 s at most."""

    risk: ClassVar[Risk] = Risk.REVERSIBLE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = {
        Flavour.VITESS: ("GetTablets", "GetThrottlerStatus", "GetKeyspace", "UpdateThrottlerConfig")
    }

    @property
    def revert_after(self) -> Seconds:
        """The former threshold is restored after this time."""
        return self.for_seconds

    def check(self, db: MySQL) -> None:
        """Refuses a metric that may not be set, a value out of bounds, and a throttler that is disabled."""
        vt = vitess(db)
        most = METRICS.get(self.metric)
        if most is None:
            raise Refused(
                f"{self.metric[:60]!r} is not one of the metrics whose threshold may be set: {', '.join(METRICS)}."
            )
        if not 0 < self.for_seconds <= LONGEST:
            raise Refused(f"A threshold must be restored within {LONGEST:g} s; {self.for_seconds:g} s were requested.")
        if not throttler_settings(vt).get("enabled"):
            raise Refused(
                f"The throttler of {vt.keyspace} is disabled, so a threshold has no effect. Enable it first: "
                f"vtctldclient UpdateThrottlerConfig --enable {vt.keyspace}."
            )
        now = self._now(vt)
        if now == self.threshold:
            raise Refused(f"The threshold of {self.metric} in {vt.keyspace} is already {now:g}.")
        least = now / TIMES
        if not least <= self.threshold <= min(most, now * TIMES) or self.threshold <= 0:
            raise Refused(
                f"A threshold of {self.threshold:g} for {self.metric} is out of bounds in {vt.keyspace}: it is "
                f"{now:g} now, and {least:g} to {min(most, now * TIMES):g} are allowed."
            )

    def change(self, db: MySQL) -> Iterator[Statement]:
        """UpdateThrottlerConfig with the new threshold."""
        vt = vitess(db)
        yield call("UpdateThrottlerConfig", keyspace=vt.keyspace, metric_name=self.metric, threshold=self.threshold)

    def cost(self, db: MySQL) -> str:
        """The present threshold, and what follows."""
        vt = vitess(db)
        now = self._now(vt)
        what = "only above" if self.threshold > now else "already above"
        return (
            f"In all shards of {vt.keyspace}, copies and schema migrations wait {what} a {self.metric} of "
            f"{self.threshold:g} instead of {now:g}."
        )

    def verify(self, db: MySQL) -> Verification:
        """Succeeds once every tablet of the shard that answers has the threshold; tablets learn of it within
        seconds."""
        vt = vitess(db)
        other = {alias: value for alias, value in _thresholds(vt, self.metric).items() if value != self.threshold}
        stored = decimal(nested(throttler_settings(vt), "metric_thresholds"), self.metric)
        if stored != self.threshold:
            return Verification(
                ok=False, says=f"The keyspace record of {vt.keyspace} has a threshold of {stored:g} for {self.metric}."
            )
        if other:
            says = ", ".join(f"{alias} still has {value:g}" for alias, value in sorted(other.items()))
            return Verification(ok=False, says=f"{says} for {self.metric}.", settled=False)
        return Verification(ok=True, says=f"The threshold of {self.metric} in {vt.keyspace} is {self.threshold:g}.")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """UpdateThrottlerConfig with the threshold that the keyspace has now; 0 removes a threshold that it did not
        have."""
        vt = vitess(db)
        stored = decimal(nested(throttler_settings(vt), "metric_thresholds"), self.metric)
        yield call("UpdateThrottlerConfig", keyspace=vt.keyspace, metric_name=self.metric, threshold=stored)

    def _now(self, vt: Vitess) -> float:
        """Returns the threshold that the shard's primary applies; raises Refused if it does not report one."""
        primary = primaries(vt.tablets()).get(vt.shard)
        found = _thresholds(vt, self.metric).get(primary.alias if primary else "", 0.0)
        if found <= 0:
            raise Refused(
                f"The primary of {vt.address} does not report its threshold of {self.metric}. Continue with "
                f"{runbook_command(vt, 'vitess/throttler')}."
            )
        return found


def _thresholds(vt: Vitess, metric: str) -> dict[str, float]:
    """Returns the threshold that each tablet of the shard that answers applies."""
    aliases = [tablet.alias for tablet in vt.tablets()]
    answers = vt.rpcs("GetThrottlerStatus", [{"tablet_alias": alias_record(alias)} for alias in aliases])
    return {
        alias: decimal(nested(answer.body, "status", "metric_thresholds"), metric)
        for alias, answer in zip(aliases, answers, strict=True)
        if answer.ok
    }
