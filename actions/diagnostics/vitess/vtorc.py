"""What VTOrc knows of a shard: whether it lives and may act there, what it detects, and what it did last.

VTOrc repairs by itself, within seconds of its polls. Nobody may work against it, so every change of a shard asks this
first. Measured on Vitess 24: `IsActionableRecovery` is false even where VTOrc acts, `allow-recovery` in /api/config
stays true after recoveries were switched off, and /debug/health lies while the topology is frozen. So the switch is
read from its own table (global_recovery_disable in /api/database-state), and whether it acts on a problem is known from
its code (go/vt/vtorc/logic/topology_recovery.go, getCheckAndRecoverFunctionCode).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from actions.contract import Cost, Count, Flavour, Seconds, Unreadable, diagnostic
from actions.diagnostics.vitess.vtorc_state import RECENT, Recovery, at_of, now_of, recoveries, rows, seen_for
from actions.vitess_contract import Answer, Component, Vitess

BY_REPARENT = frozenset({"DeadPrimary", "DeadPrimaryAndSomeReplicas", "PrimaryDiskStalled", "PrimaryTabletDeleted"})
"""What it mends with EmergencyReparentShard, where that is allowed."""
BLOCKED = "PrimarySemiSyncBlocked"
"""It runs EmergencyReparentShard on this, too; with no replica to promote that cannot end well."""
BY_ITSELF = frozenset(
    {
        "ClusterHasNoPrimary",
        "ConnectedToWrongPrimary",
        "IncapacitatedPrimary",
        "NotConnectedToPrimary",
        "PrimaryCurrentTypeMismatch",
        "PrimaryHasPrimary",
        "PrimaryIsReadOnly",
        "PrimarySemiSyncMustBeSet",
        "PrimarySemiSyncMustNotBeSet",
        "ReplicaIsWritable",
        "ReplicaMisconfigured",
        "ReplicaSemiSyncMustBeSet",
        "ReplicaSemiSyncMustNotBeSet",
        "ReplicationStopped",
        "StaleTopoPrimary",
    }
)
"""What it mends otherwise."""
OF_THE_PRIMARY = frozenset({*BY_REPARENT, BLOCKED, "ClusterHasNoPrimary", "IncapacitatedPrimary", "PrimaryIsReadOnly"})
FRESH = 20.0
"""Seconds since its last health check after which a VTOrc counts as dead, whatever its page says."""
GAUGES = ("vtorc_pending_recoveries", "vtorc_shard_locks_active", "vtorc_topology_conn_errors")
WATCHED = "vtorc_tablets_watched_by_shard"
FAILED = "vtorc_failed_recoveries"


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem of the shard that VTOrc detects now."""

    analysis: str = ""
    """Its own word for it: DeadPrimary, ReplicationStopped and so on."""
    tablet: str = ""
    seen_for: Seconds = 0.0
    """How long it has been detecting it without a gap."""
    repairs: bool = False
    """Whether a VTOrc that may acts on such a problem."""


@dataclass(frozen=True, slots=True)
class VTOrcs:
    """All VTOrcs of a cluster, as far as one shard is concerned."""

    shard: str = ""
    """`keyspace/shard`."""
    configured: Count = 1
    healthy: Count = 1
    """Those that answer, call themselves healthy, and looked a moment ago."""
    acting: Count = 1
    """Those of the healthy whose recoveries are not switched off."""
    disabled: tuple[str, ...] = ()
    """Where recoveries are switched off for everything (a restart forgets it)."""
    watched: Count = 3
    """The tablets of the shard that the most attentive of them watches."""
    emergency_reparents: bool = True
    """Whether it may run EmergencyReparentShard here: by its flags, the keyspace and the shard."""
    emergency_says: str = ""
    """By what it may not; '' where it may."""
    stuck: bool = False
    """Whether recoveries wait for the lock of a shard while calls of the topology fail: it sees and cannot act."""
    problems: tuple[Problem, ...] = ()
    recoveries: tuple[Recovery, ...] = ()
    """Of the last quarter of an hour, the newest first."""
    failed: Count = 0
    """Recoveries of the shard that failed since VTOrc's start."""
    missing: tuple[str, ...] = ()
    """What could not be read."""

    @property
    def alive(self) -> bool:
        return self.healthy > 0

    @property
    def acts(self) -> bool:
        """Whether any of them looks after the shard, may act, and can."""
        return self.acting > 0 and self.watched > 0 and not self.stuck

    @property
    def repairing(self) -> tuple[Problem, ...]:
        """The problems that it is about to repair by itself."""
        if not self.acts:
            return ()
        return tuple(each for each in self.problems if each.repairs)

    @property
    def repairs_now(self) -> bool:
        """Whether it is at work on the shard, or about to be."""
        return bool(self.repairing) or (self.acts and any(each.runs for each in self.recoveries))

    @property
    def detects(self) -> tuple[str, ...]:
        """Its words for what it detects, each once."""
        return tuple(dict.fromkeys(each.analysis for each in self.problems))

    @property
    def last(self) -> Recovery | None:
        """The newest recovery that has ended."""
        return next((each for each in self.recoveries if not each.runs), None)

    @property
    def mended(self) -> Recovery | None:
        """The newest recovery after which its problem was gone; one that promoted a tablet comes before all others."""
        return self.mended_within(RECENT)

    def mended_within(self, seconds: Seconds) -> Recovery | None:
        """Like `mended`, of the recoveries that ended within the last seconds.

        After a failover VTOrc recovers the dead tablet every second, in vain and without an error, until it lives
        again: a recovery whose problem is still there mended nothing.
        """
        still = {(each.analysis, each.tablet) for each in self.problems}
        good = [
            each
            for each in self.recoveries
            if each.ended_well
            and each.ago - (each.took or 0.0) <= seconds
            and (each.analysis, each.tablet) not in still
        ]
        return next((each for each in good if each.successor), None) or next(iter(good), None)

    @property
    def repaired(self) -> bool:
        """Whether it has repaired something in the last two minutes, and nothing is left to do."""
        return self.mended_within(120.0) is not None and not self.repairs_now

    @property
    def failing(self) -> bool:
        """Whether its newest recovery failed and the problem is still there."""
        last = self.last
        return last is not None and bool(last.error) and any(each.analysis == last.analysis for each in self.problems)


@diagnostic(
    cost=Cost.LOW,
    needs={
        Flavour.VITESS: (
            "GetShard",
            "GetKeyspace",
            "vtorc /debug/health",
            "vtorc /api/config",
            "vtorc /api/database-state",
            "vtorc /api/detection-analysis",
            "vtorc /metrics",
        )
    },
)
def vtorc(vt: Vitess) -> VTOrcs:
    """Asks every VTOrc of the cluster about the shard, each page of all of them at the same time.

    Raises Unreadable where none of them can be asked at all and the topology is silent, too.
    """
    shard = f"{vt.keyspace}/{vt.shard}"
    health = vt.web(Component.VTORC, "/debug/health")
    states = vt.web(Component.VTORC, "/api/database-state") if any(each.ok for each in health) else ()
    config = vt.web(Component.VTORC, "/api/config") if states else ()
    analyses = vt.web(Component.VTORC, "/api/detection-analysis") if states else ()
    metrics = vt.metrics(Component.VTORC, *GAUGES, WATCHED, FAILED) if states else ()
    now = now_of(states)
    healthy = {each.who for each in health if each.ok and _is_healthy(each.body)}
    off = tuple(each.who for each in states if each.ok and rows(each.body, "global_recovery_disable"))
    allowed, allowed_says, missing = _emergency(vt, config)
    silent = bool(missing)
    told = [*health, *states, *config, *analyses, *metrics]
    missing += tuple(dict.fromkeys(each.error for each in told if not each.ok))
    return VTOrcs(
        shard=shard,
        configured=len(health),
        healthy=len(healthy),
        acting=len([each for each in states if each.who in healthy and each.ok and each.who not in off]),
        disabled=off,
        watched=int(max((_of_shard(each, WATCHED, vt) for each in metrics), default=0)),
        emergency_reparents=allowed,
        emergency_says=allowed_says,
        stuck=silent and _stuck(metrics),
        problems=_problems(vt, analyses, states, now, allowed),
        recoveries=recoveries(vt, states, now),
        failed=int(sum(_of_shard(each, FAILED, vt) for each in metrics)),
        missing=missing[:10],
    )


def _is_healthy(body: Any) -> bool:  # noqa: ANN401 - JSON
    if not isinstance(body, Mapping) or not body.get("Healthy"):
        return False
    reported = at_of(body.get("LastReported"))
    return reported is not None and (datetime.now(UTC) - reported).total_seconds() <= FRESH


def _emergency(vt: Vitess, config: Sequence[Answer]) -> tuple[bool, str, tuple[str, ...]]:
    """Whether emergency reparents are allowed, by what not, and what could not be read."""
    flags = [each.body for each in config if each.ok and isinstance(each.body, Mapping)]
    if flags and not any(each.get("allow-emergency-reparent", True) for each in flags):
        return False, "VTOrc was started with --allow-emergency-reparent=false", ()
    if flags and not any(each.get("allow-recovery", True) for each in flags):
        return False, "VTOrc was started with --allow-recovery=false", ()
    try:
        found = vt.rpc("GetShard", keyspace=vt.keyspace, shard_name=vt.shard)
        if _switched_off(found.get("shard", {}).get("shard", {})):
            return False, f"it is switched off for the shard {vt.keyspace}/{vt.shard}", ()
        found = vt.rpc("GetKeyspace", keyspace=vt.keyspace)
        if _switched_off(found.get("keyspace", {}).get("keyspace", {})):
            return False, f"it is switched off for the keyspace {vt.keyspace}", ()
    except Unreadable as error:
        return True, "", (str(error),)
    return True, "", ()


def _switched_off(record: Mapping[str, Any]) -> bool:
    return bool((record.get("vtorc_state") or {}).get("disable_emergency_reparent"))


def _stuck(metrics: Sequence[Answer]) -> bool:
    """Recoveries that wait for a lock after calls of the topology failed; a healthy one has locks and errors, too.

    A lock that another one holds and a node that is not there count as errors; only lists tell of trouble. The counter
    is never set back, so it counts only while the topology is silent to vtctld as well.
    """

    def total(answer: Answer, name: str) -> float:
        return sum(
            float(s.samples[0].value)
            for s in answer.body
            if s.labels["__name__"] == name and s.labels.get("operation", "List").startswith("List")
        )

    read = [each for each in metrics if each.ok]
    return bool(read) and all(
        total(each, "vtorc_topology_conn_errors") > 0
        and (total(each, "vtorc_pending_recoveries") > 0 or total(each, "vtorc_shard_locks_active") > 0)
        for each in read
    )


def _of_shard(answer: Answer, name: str, vt: Vitess) -> float:
    if not answer.ok:
        return 0.0
    return sum(
        float(each.samples[0].value)
        for each in answer.body
        if each.labels["__name__"] == name
        and each.labels.get("keyspace") == vt.keyspace
        and each.labels.get("shard") == vt.shard
    )


def _problems(
    vt: Vitess, analyses: Sequence[Answer], states: Sequence[Answer], now: datetime, reparents: bool
) -> tuple[Problem, ...]:
    """What is detected, the primary's troubles first; an entry NoProblem beside another one means nothing."""
    found: dict[tuple[str, str], Problem] = {}
    for answer in analyses:
        for entry in answer.body or () if answer.ok else ():
            analysis, tablet = str(entry.get("Analysis", "")), str(entry.get("AnalyzedInstanceAlias", ""))
            here = entry.get("AnalyzedKeyspace") == vt.keyspace and entry.get("AnalyzedShard") == vt.shard
            if not here or analysis in ("", "NoProblem"):
                continue
            by_reparent = analysis in BY_REPARENT or analysis == BLOCKED
            repairs = analysis in BY_ITSELF or (by_reparent and reparents)
            lasted = max((seen_for(each.body, analysis, tablet, now) for each in states if each.ok), default=0.0)
            found[analysis, tablet] = Problem(analysis, tablet, lasted, repairs)
    return tuple(sorted(found.values(), key=lambda each: (each.analysis not in OF_THE_PRIMARY, each.tablet)))
