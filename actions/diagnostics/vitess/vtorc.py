"""What VTOrc knows about a shard: whether it is running and may act there, what it detects, and its last recoveries.

VTOrc repairs a shard within seconds of its polls, and no change may work against it; so every change of a shard reads
this first. Measured on Vitess 24: `IsActionableRecovery` is false even if VTOrc acts, `allow-recovery` in /api/config
stays true after recoveries were disabled, and /debug/health reports healthy while the topology is frozen. So the switch
is read from its own table (global_recovery_disable in /api/database-state), and whether VTOrc acts on a problem is
taken from its code (go/vt/vtorc/logic/topology_recovery.go, getCheckAndRecoverFunctionCode).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from actions.contract import Cost, Count, Flavour, Seconds, Unreadable, diagnostic
from actions.vitess_contract import Component, ComponentAnswer, Vitess
from actions.vitess_records import emergency_reparent_disabled, keyspace_record, shard_record
from actions.vtorc_state import (
    RECENT,
    Recovery,
    parse_time,
    recoveries,
    seen_for,
    table_rows,
    vtorc_clock,
)

BY_REPARENT = frozenset({"DeadPrimary", "DeadPrimaryAndSomeReplicas", "PrimaryDiskStalled", "PrimaryTabletDeleted"})
"""Problems that it repairs with EmergencyReparentShard, if that is allowed."""
BLOCKED = "PrimarySemiSyncBlocked"
"""VTOrc runs EmergencyReparentShard for this, too; without a replica to promote that cannot succeed."""
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
"""Problems that it repairs by other means."""
OF_THE_PRIMARY = frozenset({*BY_REPARENT, BLOCKED, "ClusterHasNoPrimary", "IncapacitatedPrimary", "PrimaryIsReadOnly"})
FRESH = 20.0
"""Seconds since its last health check after which a VTOrc counts as dead, whatever its page reports."""
GAUGES = ("vtorc_pending_recoveries", "vtorc_shard_locks_active", "vtorc_topology_conn_errors")
WATCHED = "vtorc_tablets_watched_by_shard"
FAILED = "vtorc_failed_recoveries"


@dataclass(frozen=True, slots=True)
class DetectedProblem:
    """A problem of the shard that VTOrc detects now."""

    analysis: str = ""
    """VTOrc's name for it: DeadPrimary, ReplicationStopped and so on."""
    tablet: str = ""
    """The tablet that has the problem."""
    seen_for: Seconds = 0.0
    """How long VTOrc has detected it without a gap."""
    repairs: bool = False
    """Whether a VTOrc that may act repairs such a problem."""


@dataclass(frozen=True, slots=True)
class VTOrcs:
    """All VTOrcs of a cluster, with respect to one shard."""

    shard: str = ""
    """`keyspace/shard`."""
    configured: Count = 1
    """VTOrcs in the configuration."""
    healthy: Count = 1
    """VTOrcs that answer, report that they are healthy, and have checked within the last 20 s."""
    acting: Count = 1
    """Healthy VTOrcs whose recoveries are enabled."""
    disabled: tuple[str, ...] = ()
    """VTOrcs whose recoveries are disabled for all shards; a restart enables them again."""
    watched: Count = 3
    """Tablets of the shard that VTOrc watches; the largest number of any VTOrc."""
    emergency_reparents: bool = True
    """Whether VTOrc may run EmergencyReparentShard here, by its flags, the keyspace record and the shard record."""
    emergency_says: str = ""
    """What forbids it; '' if it is allowed."""
    stuck: bool = False
    """Whether recoveries wait for a shard lock while topology calls fail: VTOrc detects problems and cannot act."""
    problems: tuple[DetectedProblem, ...] = ()
    """Problems of the shard that VTOrc detects now, those of the primary first."""
    recoveries: tuple[Recovery, ...] = ()
    """Recoveries of the last 15 minutes, the newest first."""
    failed: Count = 0
    """Recoveries of the shard that failed since VTOrc started."""
    missing: tuple[str, ...] = ()
    """What could not be read, one sentence each."""

    @property
    def alive(self) -> bool:
        """Whether any VTOrc is healthy."""
        return self.healthy > 0

    @property
    def acts(self) -> bool:
        """Whether any VTOrc watches the shard, may act, and can act."""
        return self.acting > 0 and self.watched > 0 and not self.stuck

    @property
    def repairing(self) -> tuple[DetectedProblem, ...]:
        """Problems that VTOrc is about to repair."""
        if not self.acts:
            return ()
        return tuple(each for each in self.problems if each.repairs)

    @property
    def repairs_now(self) -> bool:
        """Whether VTOrc is repairing the shard, or about to."""
        return bool(self.repairing) or (self.acts and any(each.runs for each in self.recoveries))

    @property
    def detects(self) -> tuple[str, ...]:
        """VTOrc's names for the problems that it detects, each once."""
        return tuple(dict.fromkeys(each.analysis for each in self.problems))

    @property
    def last(self) -> Recovery | None:
        """The newest recovery that has ended."""
        return next((each for each in self.recoveries if not each.runs), None)

    @property
    def mended(self) -> Recovery | None:
        """The newest successful recovery; a recovery that promoted a tablet comes before all others."""
        return self.mended_within(RECENT)

    def mended_within(self, seconds: Seconds) -> Recovery | None:
        """Like `mended`, among the recoveries that ended within the last `seconds`.

        After a failover VTOrc tries to recover the dead tablet every second, without success and without an error,
        until it is running again. So a recovery whose problem is still detected does not count as successful.
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
        """Whether VTOrc repaired something within the last two minutes and has nothing left to repair."""
        return self.mended_within(120.0) is not None and not self.repairs_now

    @property
    def failing(self) -> bool:
        """Whether its newest recovery failed and the problem is still detected."""
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
    """Reads what every VTOrc of the cluster knows about the shard.

    Each page is read from all of them in parallel. Raises Unreadable if no VTOrc and no topology answers.
    """
    shard = f"{vt.keyspace}/{vt.shard}"
    health = vt.web(Component.VTORC, "/debug/health")
    states = vt.web(Component.VTORC, "/api/database-state") if any(each.ok for each in health) else ()
    config = vt.web(Component.VTORC, "/api/config") if states else ()
    analyses = vt.web(Component.VTORC, "/api/detection-analysis") if states else ()
    metrics = vt.metrics(Component.VTORC, *GAUGES, WATCHED, FAILED) if states else ()
    now = vtorc_clock(states)
    healthy = {each.who for each in health if each.ok and _is_healthy(each.body)}
    off = tuple(each.who for each in states if each.ok and table_rows(each.body, "global_recovery_disable"))
    allowed, allowed_says, missing = _emergency_reparents_allowed(vt, config)
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
    reported = parse_time(body.get("LastReported"))
    return reported is not None and (datetime.now(UTC) - reported).total_seconds() <= FRESH


def _emergency_reparents_allowed(vt: Vitess, config: Sequence[ComponentAnswer]) -> tuple[bool, str, tuple[str, ...]]:
    """Returns whether emergency reparents are allowed, what forbids them, and what could not be read."""
    flags = [each.body for each in config if each.ok and isinstance(each.body, Mapping)]
    if flags and not any(each.get("allow-emergency-reparent", True) for each in flags):
        return False, "VTOrc was started with --allow-emergency-reparent=false", ()
    if flags and not any(each.get("allow-recovery", True) for each in flags):
        return False, "VTOrc was started with --allow-recovery=false", ()
    try:
        if emergency_reparent_disabled(shard_record(vt)):
            return False, f"it is disabled in the shard record of {vt.keyspace}/{vt.shard}", ()
        if emergency_reparent_disabled(keyspace_record(vt)):
            return False, f"it is disabled in the keyspace record of {vt.keyspace}", ()
    except Unreadable as error:
        return True, "", (str(error),)
    return True, "", ()


def _stuck(metrics: Sequence[ComponentAnswer]) -> bool:
    """Whether recoveries wait for a lock after topology calls failed; a healthy VTOrc has locks and errors, too.

    A lock held by another process and a missing node count as errors, so only failed list calls indicate trouble. The
    counter is never reset, so it is considered only while vtctld cannot read the topology either.
    """

    def total(answer: ComponentAnswer, name: str) -> float:
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


def _of_shard(answer: ComponentAnswer, name: str, vt: Vitess) -> float:
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
    vt: Vitess, analyses: Sequence[ComponentAnswer], states: Sequence[ComponentAnswer], now: datetime, reparents: bool
) -> tuple[DetectedProblem, ...]:
    """Returns the detected problems, those of the primary first; NoProblem beside another analysis means nothing."""
    found: dict[tuple[str, str], DetectedProblem] = {}
    for answer in analyses:
        for entry in answer.body or () if answer.ok else ():
            analysis, tablet = str(entry.get("Analysis", "")), str(entry.get("AnalyzedInstanceAlias", ""))
            here = entry.get("AnalyzedKeyspace") == vt.keyspace and entry.get("AnalyzedShard") == vt.shard
            if not here or analysis in ("", "NoProblem"):
                continue
            by_reparent = analysis in BY_REPARENT or analysis == BLOCKED
            repairs = analysis in BY_ITSELF or (by_reparent and reparents)
            lasted = max((seen_for(each.body, analysis, tablet, now) for each in states if each.ok), default=0.0)
            found[analysis, tablet] = DetectedProblem(analysis, tablet, lasted, repairs)
    return tuple(sorted(found.values(), key=lambda each: (each.analysis not in OF_THE_PRIMARY, each.tablet)))
