"""Sets the threshold of one metric of the throttler for a while."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Seconds, Statement, Verification
from actions.protobuf_json import Record, decimal, inner
from actions.vitess_contract import Vitess, alias_record, call, primaries, vitess

METRICS = {"lag": 300.0, "threads_running": 10_000.0, "loadavg": 100.0, "history_list_length": 1e9}
"""The metrics whose threshold may be set, and the most that it may be: seconds for lag, counts for the others."""
TIMES = 10.0
"""How many times its present value a threshold may grow to, and shrink to the inverse of."""
LONGEST: Seconds = 24 * 3600.0


@dataclass(frozen=True)
class SetThrottlerThreshold(Remediation):
    """Sets a threshold for the whole keyspace of the target, and the former one again when the time is over."""

    metric: str
    """Without its scope, such as `lag`."""
    threshold: float
    """Seconds for `lag`."""
    for_seconds: Seconds = 3600.0

    risk: ClassVar[Risk] = Risk.REVERSIBLE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = {
        Flavour.VITESS: ("GetTablets", "GetThrottlerStatus", "GetKeyspace", "UpdateThrottlerConfig")
    }

    @property
    def revert_after(self) -> Seconds:
        """The time that it was given for."""
        return self.for_seconds

    def check(self, db: MySQL) -> None:
        """Refuses a metric that may not be set, a value out of bounds, and a throttler that is off."""
        vt = vitess(db)
        most = METRICS.get(self.metric)
        if most is None:
            raise Refused(
                f"{self.metric[:60]!r} is not one of the metrics whose threshold may be set: {', '.join(METRICS)}."
            )
        if not 0 < self.for_seconds <= LONGEST:
            raise Refused(f"A threshold must be set back within {LONGEST:g} s.")
        if not _config(vt).get("enabled"):
            raise Refused(
                f"The throttler of {vt.keyspace} is off, so a threshold changes nothing; see vitess.throttler."
            )
        now = self._now(vt)
        if now == self.threshold:
            raise Refused(f"The threshold of {self.metric} in {vt.keyspace} is {now:g} already.")
        least = now / TIMES
        if not least <= self.threshold <= min(most, now * TIMES) or self.threshold <= 0:
            raise Refused(
                f"A threshold of {self.threshold:g} for {self.metric} is out of bounds in {vt.keyspace}: it is "
                f"{now:g}, and may become {least:g} to {min(most, now * TIMES):g}."
            )

    def change(self, db: MySQL) -> Iterator[Statement]:
        """UpdateThrottlerConfig with the new threshold."""
        vt = vitess(db)
        yield call("UpdateThrottlerConfig", keyspace=vt.keyspace, metric_name=self.metric, threshold=self.threshold)

    def cost(self, db: MySQL) -> str:
        """What it is now, and what follows."""
        vt = vitess(db)
        now = self._now(vt)
        what = "more before copies and schema migrations wait" if self.threshold > now else "less"
        return f"In all shards of {vt.keyspace} {self.metric} may be {self.threshold:g} instead of {now:g}, {what}."

    def verify(self, db: MySQL) -> Verification:
        """Good once every tablet of the shard that answers has the threshold; they hear of it within seconds."""
        vt = vitess(db)
        other = {alias: value for alias, value in _thresholds(vt, self.metric).items() if value != self.threshold}
        stored = decimal(inner(_config(vt), "metric_thresholds"), self.metric)
        if stored != self.threshold:
            return Verification(ok=False, says=f"The settings of {vt.keyspace} have {stored:g} for {self.metric}.")
        if other:
            says = ", ".join(f"{alias} still has {value:g}" for alias, value in sorted(other.items()))
            return Verification(ok=False, says=f"{says} for {self.metric}.", settled=False)
        return Verification(ok=True, says=f"The threshold of {self.metric} in {vt.keyspace} is {self.threshold:g}.")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """The threshold that the keyspace has for the metric now; 0 removes it where it has none of its own."""
        vt = vitess(db)
        stored = decimal(inner(_config(vt), "metric_thresholds"), self.metric)
        yield call("UpdateThrottlerConfig", keyspace=vt.keyspace, metric_name=self.metric, threshold=stored)

    def _now(self, vt: Vitess) -> float:
        """The threshold that the shard's primary goes by; raises Refused where it does not tell."""
        primary = primaries(vt.tablets()).get(vt.shard)
        found = _thresholds(vt, self.metric).get(primary.alias if primary else "", 0.0)
        if found <= 0:
            raise Refused(
                f"The primary of {vt.address} does not tell its threshold of {self.metric}; see vitess.throttler."
            )
        return found


def _config(vt: Vitess) -> Record:
    return inner(vt.rpc("GetKeyspace", keyspace=vt.keyspace), "keyspace", "keyspace", "throttler_config")


def _thresholds(vt: Vitess, metric: str) -> dict[str, float]:
    """The threshold that each tablet of the shard goes by, of those that answer."""
    aliases = [tablet.alias for tablet in vt.tablets()]
    answers = vt.rpcs("GetThrottlerStatus", [{"tablet_alias": alias_record(alias)} for alias in aliases])
    return {
        alias: decimal(inner(answer.body, "status", "metric_thresholds"), metric)
        for alias, answer in zip(aliases, answers, strict=True)
        if answer.ok
    }
