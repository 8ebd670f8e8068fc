"""Releases an app that a rule of the throttler holds back, such as online-ddl or vreplication."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Statement, Verification
from actions.diagnostics.vitess.throttler import IGNORED, Rule, throttler
from actions.protobuf_json import inner, whole
from actions.vitess_contract import Vitess, call, vitess

APP = re.compile(r"[A-Za-z0-9_:.-]{1,120}")
PAST = {"seconds": 1}
"""A rule that has expired is removed."""


@dataclass(frozen=True)
class UnthrottleApp(Remediation):
    """Removes the rule of one app from the throttler of the target's keyspace; the metrics go on holding it back."""

    app: str
    """As the rule names it."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = {
        Flavour.VITESS: ("GetTablets", "GetThrottlerStatus", "GetKeyspace", "UpdateThrottlerConfig")
    }

    def check(self, db: MySQL) -> None:
        """Refuses an app that no rule holds back now."""
        self._rule(vitess(db))

    def change(self, db: MySQL) -> Iterator[Statement]:
        """UpdateThrottlerConfig with a rule that has expired, which removes it."""
        vt = vitess(db)
        self._rule(vt)
        rule = {"name": self.app, "ratio": 0.0, "expires_at": PAST}
        yield call("UpdateThrottlerConfig", keyspace=vt.keyspace, throttled_app=rule)

    def cost(self, db: MySQL) -> str:
        """What the rule was, and who may feel that it is gone."""
        vt = vitess(db)
        rule = self._rule(vt)
        return (
            f"In all shards of {vt.keyspace} {rule.ratio:.0%} of what {self.app} asks is denied, for "
            f"{rule.expires_in:.0f} s more, by somebody's decision. It works at full speed again, and the replicas "
            "have to keep up with it."
        )

    def verify(self, db: MySQL) -> Verification:
        """Good once no tablet of the shard holds the app back by a rule; they hear of it within seconds."""
        found = throttler(vitess(db))
        if any(rule.app == self.app for rule in found.by_hand):
            return Verification(ok=False, says=f"The rule of {self.app} is still in the settings of {found.keyspace}.")
        still = [one.tablet for one in found.tablets if self.app in one.denied]
        if still:
            says = f"{', '.join(still)} did not hear yet that {self.app} is released."
            return Verification(ok=False, says=says, settled=False)
        return Verification(ok=True, says=f"No rule of the throttler holds {self.app} back in {found.keyspace}.")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """The rule as it is now, with its ratio and its end."""
        vt = vitess(db)
        self._rule(vt)
        config = inner(vt.rpc("GetKeyspace", keyspace=vt.keyspace), "keyspace", "keyspace", "throttler_config")
        rule = inner(config, "throttled_apps", self.app)
        until = inner(rule, "expires_at")
        restored = {
            "name": self.app,
            "ratio": float(rule.get("ratio") or 0),
            "expires_at": {"seconds": whole(until, "seconds"), "nanoseconds": whole(until, "nanoseconds")},
        }
        yield call("UpdateThrottlerConfig", keyspace=vt.keyspace, throttled_app=restored)

    def _rule(self, vt: Vitess) -> Rule:
        if not APP.fullmatch(self.app) or self.app == IGNORED:
            raise Refused(
                f"{self.app[:80]!r} is no name of an app that the throttler of {vt.keyspace} could hold back."
            )
        config = inner(vt.rpc("GetKeyspace", keyspace=vt.keyspace), "keyspace", "keyspace", "throttler_config")
        rule = inner(config, "throttled_apps", self.app)
        until = whole(inner(rule, "expires_at"), "seconds")
        if not rule or until <= time.time():
            raise Refused(
                f"No rule of the throttler of {vt.keyspace} holds {self.app} back. If it is held back all the same, a "
                "metric does it: see vitess.throttler."
            )
        if rule.get("exempt"):
            raise Refused(
                f"The rule of {self.app} in {vt.keyspace} exempts it from the throttler; nothing holds it back."
            )
        return Rule(self.app, float(rule.get("ratio") or 0), float(until), until - time.time())
