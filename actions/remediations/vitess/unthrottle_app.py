"""Removes the throttler rule of an app such as online-ddl or vreplication."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Statement, Verification
from actions.diagnostics.vitess.throttler import IGNORED, ThrottlerRule, throttler
from actions.protobuf_json import integer, nested
from actions.vitess_contract import Vitess, call, runbook_command, vitess
from actions.vitess_records import throttler_settings

APP = re.compile(r"[A-Za-z0-9_:.-]{1,120}")
PAST = {"seconds": 1}
"""A rule that has expired is removed."""


@dataclass(frozen=True)
class UnthrottleApp(Remediation):
    """Removes the rule of one app from the throttler of the target's keyspace; metrics can still throttle the app."""

    app: str
    """The app's name, as in the rule."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = {
        Flavour.VITESS: ("GetTablets", "GetThrottlerStatus", "GetKeyspace", "UpdateThrottlerConfig")
    }

    def check(self, db: MySQL) -> None:
        """Refuses an app that no rule throttles now."""
        self._rule(vitess(db))

    def change(self, db: MySQL) -> Iterator[Statement]:
        """UpdateThrottlerConfig with an expired rule, which removes the rule."""
        vt = vitess(db)
        self._rule(vt)
        rule = {"name": self.app, "ratio": 0.0, "expires_at": PAST}
        yield call("UpdateThrottlerConfig", keyspace=vt.keyspace, throttled_app=rule)

    def cost(self, db: MySQL) -> str:
        """The present rule, and what its removal may affect."""
        vt = vitess(db)
        rule = self._rule(vt)
        return (
            f"A rule that someone set denies {rule.ratio:.0%} of the requests of {self.app} in all shards of "
            f"{vt.keyspace}, for {rule.expires_in:.0f} s more. Without it {self.app} runs at full speed, and the "
            "replicas have to keep up."
        )

    def verify(self, db: MySQL) -> Verification:
        """Succeeds once no tablet of the shard applies a rule to the app; tablets learn of it within seconds."""
        found = throttler(vitess(db))
        if any(rule.app == self.app for rule in found.by_hand):
            return Verification(
                ok=False, says=f"The rule of {self.app} is still in the keyspace record of {found.keyspace}."
            )
        still = [one.tablet for one in found.tablets if self.app in one.denied]
        if still:
            says = f"Tablets that still apply the rule of {self.app}: {', '.join(still)}."
            return Verification(ok=False, says=says, settled=False)
        return Verification(ok=True, says=f"No throttler rule applies to {self.app} in {found.keyspace}.")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """UpdateThrottlerConfig with the present rule: its ratio and its expiry."""
        vt = vitess(db)
        self._rule(vt)
        rule = nested(throttler_settings(vt), "throttled_apps", self.app)
        until = nested(rule, "expires_at")
        restored = {
            "name": self.app,
            "ratio": float(rule.get("ratio") or 0),
            "expires_at": {"seconds": integer(until, "seconds"), "nanoseconds": integer(until, "nanoseconds")},
        }
        yield call("UpdateThrottlerConfig", keyspace=vt.keyspace, throttled_app=restored)

    def _rule(self, vt: Vitess) -> ThrottlerRule:
        if not APP.fullmatch(self.app) or self.app == IGNORED:
            raise Refused(
                f"{self.app[:80]!r} is not the name of an app that a rule can throttle; "
                f"{runbook_command(vt, 'vitess/throttler')} lists the rules."
            )
        rule = nested(throttler_settings(vt), "throttled_apps", self.app)
        until = integer(nested(rule, "expires_at"), "seconds")
        if not rule or until <= time.time():
            raise Refused(
                f"No throttler rule applies to {self.app} in {vt.keyspace}. If the app is throttled, a metric is the "
                f"reason: {runbook_command(vt, 'vitess/throttler')}."
            )
        if rule.get("exempt"):
            raise Refused(
                f"The rule of {self.app} in {vt.keyspace} exempts it from throttling; there is nothing to remove."
            )
        return ThrottlerRule(self.app, float(rule.get("ratio") or 0), float(until), until - time.time())
