"""How the streams of VReplication of a keyspace go: which stand still, failed, are late, or have been switched."""

from __future__ import annotations

import time
from dataclasses import dataclass

from actions.contract import Cost, Flavour, Refused, Seconds, diagnostic
from actions.protobuf_json import NEVER, Record, age, decimal, each, inner, moment, text, whole
from actions.redaction import redact_error
from actions.vitess_contract import Answer, Vitess, alias_of

FROZEN = "FROZEN"
"""The message of a stream whose traffic was switched away; only completing or cancelling the workflow ends it."""
TERMINAL = "terminal error"
"""How the message of a stream begins that does not try again by itself."""
SWITCHED = ("MoveTables", "Reshard", "Migrate")
"""Types of workflows that traffic is switched for."""
ONLINE_DDL = "OnlineDDL"
LATE: Seconds = 60.0
MOST = 200


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream of a workflow, on the primary that it writes to."""

    workflow: str
    type: str = ""
    """MoveTables, Reshard, Materialize, CreateLookupIndex, OnlineDDL and so on."""
    id: int = 0
    shard: str = ""
    tablet: str = ""
    source: str = ""
    """`keyspace/shard` that it reads."""
    state: str = ""
    """Running, Copying, Stopped, Error, Init or Lagging; GetWorkflows says Error wherever the message tells of one."""
    message: str = ""
    """Why it stands, without the values that it quotes."""
    lag: Seconds | None = None
    """Since the last transaction or heartbeat of its source; empty while it copies, or where it has none yet."""
    updated: Seconds = 0.0
    """Since it wrote its own state last."""
    throttled_by: str = ""
    """The component that waits for the throttler, where that was within a minute; '' for none."""
    rows_copied: int = 0

    @property
    def frozen(self) -> bool:
        """Whether it stands because its traffic was switched."""
        return self.message == FROZEN

    @property
    def terminal(self) -> bool:
        """Whether it does not try again by itself."""
        return self.state == "Error" and TERMINAL in self.message

    @property
    def reason(self) -> str:
        """Why it stands, where Vitess or a limit of its own stopped it; '' where a person did, or it does not stand.

        The message of one that runs, and of one that a person stopped then, may be of its start.
        """
        if self.state == "Error":
            return self.message or "an error that it does not tell"
        told = self.message.lower()
        return self.message if self.state == "Stopped" and ("error" in told or told.startswith("stopped")) else ""


@dataclass(frozen=True, slots=True)
class Workflow:
    """One workflow into the keyspace."""

    name: str
    type: str = ""
    source: str = ""
    """The keyspace that it reads."""
    traffic: str = ""
    """What of the traffic is switched, in the words of Vitess; '' for types that know no switching."""
    lag: Seconds = 0.0
    """Of its latest stream; 0 while it copies."""
    streams: tuple[Stream, ...] = ()

    @property
    def states(self) -> tuple[str, ...]:
        """The states that its streams are in, each once."""
        return tuple(sorted({stream.state for stream in self.streams}))

    @property
    def switching(self) -> bool:
        """Whether some of its traffic is switched and it is not completed, or its streams are frozen."""
        some = any(part.strip().endswith(" Switched") and "Not" not in part for part in self.traffic.split("."))
        return some or "partially" in self.traffic or any(stream.frozen for stream in self.streams)


@dataclass(frozen=True, slots=True)
class Workflows:
    """The workflows into a keyspace; those of online DDL are only counted, vitess.schema_migrations tells of them."""

    keyspace: str = ""
    workflows: tuple[Workflow, ...] = ()
    online_ddl: int = 0
    """Streams of schema migrations."""
    left_out: int = 0
    """Workflows above 200 that are not listed."""
    missing: tuple[str, ...] = ()

    @property
    def streams(self) -> tuple[Stream, ...]:
        """All streams."""
        return tuple(stream for workflow in self.workflows for stream in workflow.streams)

    @property
    def stopped(self) -> tuple[Stream, ...]:
        """Streams that somebody stopped, or that stopped where they were told to; none that are frozen."""
        return tuple(stream for stream in self.streams if stream.state == "Stopped" and not stream.frozen)

    @property
    def failing(self) -> tuple[Stream, ...]:
        """Streams that failed, or that try again after an error."""
        return tuple(
            stream
            for stream in self.streams
            if stream.state == "Error" or (stream.state in ("Running", "Copying") and "rror" in stream.message)
        )

    @property
    def copying(self) -> tuple[Stream, ...]:
        """Streams that copy rows still."""
        return tuple(stream for stream in self.streams if stream.state in ("Copying", "Init"))

    @property
    def lagging(self) -> tuple[Stream, ...]:
        """Running streams that are more than a minute late."""
        return tuple(
            stream
            for stream in self.streams
            if stream.state in ("Running", "Lagging") and stream.lag is not None and stream.lag > LATE
        )

    @property
    def throttled(self) -> tuple[Stream, ...]:
        """Streams that wait for the throttler."""
        return tuple(stream for stream in self.streams if stream.throttled_by)

    @property
    def switching(self) -> tuple[str, ...]:
        """Names of workflows whose traffic is switched, wholly or in part, and that are not completed."""
        return tuple(workflow.name for workflow in self.workflows if workflow.switching)

    @property
    def longest_lag(self) -> Seconds:
        """Of the running streams."""
        return max((stream.lag or 0.0 for stream in self.streams if stream.state == "Running"), default=0.0)


@diagnostic(cost=Cost.LOW, needs={Flavour.VITESS: ("GetWorkflows", "WorkflowStatus")})
def workflows(vt: Vitess, *, workflow: str = "") -> Workflows:
    """Reads the workflows into the keyspace, or the one that is named, and how far traffic is switched."""
    asked = {"keyspace": vt.keyspace} | ({"workflow": workflow} if workflow else {})
    found = each(vt.rpc("GetWorkflows", **asked), "workflows")
    shown = [one for one in found if text(one, "workflow_type") != ONLINE_DDL]
    switched = [text(one, "name") for one in shown if text(one, "workflow_type") in SWITCHED][:MOST]
    requests = [{"keyspace": vt.keyspace, "workflow": name} for name in switched]
    answers = dict(zip(switched, vt.rpcs("WorkflowStatus", requests) if requests else (), strict=True))
    now = time.time()
    return Workflows(
        keyspace=vt.keyspace,
        workflows=tuple(_workflow(one, answers, now) for one in shown[:MOST]),
        online_ddl=sum(len(_streams(one, now)) for one in found if text(one, "workflow_type") == ONLINE_DDL),
        left_out=max(0, len(shown) - MOST),
        missing=tuple(
            f"Whether traffic of {name} is switched could not be read: {answer.error}"
            for name, answer in answers.items()
            if not answer.ok
        ),
    )


def named(vt: Vitess, name: str) -> Workflow:
    """One workflow into the keyspace; raises Refused where it has none of this name."""
    seen: Workflows | None = workflows(vt, workflow=name) if name else None
    if seen is None or not seen.workflows:
        raise Refused(f"{vt.keyspace} has no workflow {name[:80]!r}, or it is one of online DDL; see vitess.workflows.")
    return seen.workflows[0]


def _workflow(record: Record, answers: dict[str, Answer], now: float) -> Workflow:
    name = text(record, "name")
    answer = answers.get(name)
    lag = decimal(record, "max_v_replication_transaction_lag")
    return Workflow(
        name=name,
        type=text(record, "workflow_type"),
        source=text(inner(record, "source"), "keyspace"),
        traffic=text(answer.body, "traffic_state") if answer is not None and answer.ok else "",
        lag=lag if abs(lag) < NEVER else 0.0,
        streams=_streams(record, now)[:MOST],
    )


def _streams(record: Record, now: float) -> tuple[Stream, ...]:
    found = []
    for key, streams in sorted(inner(record, "shard_streams").items()):
        found += [_stream(record, key.partition("/")[0], one, now) for one in each(streams, "streams")]
    return tuple(found)


def _stream(workflow: Record, shard: str, record: Record, now: float) -> Stream:
    state, source, throttled = text(record, "state"), inner(record, "binlog_source"), inner(record, "throttler_status")
    copies = state in ("Copying", "Init") or not moment(record, "transaction_timestamp")
    held = moment(throttled, "time_throttled") > now - LATE
    return Stream(
        workflow=text(workflow, "name"),
        type=text(workflow, "workflow_type"),
        id=whole(record, "id"),
        shard=shard,
        tablet=alias_of(inner(record, "tablet")),
        source=f"{text(source, 'keyspace')}/{text(source, 'shard')}" if source else "",
        state=state,
        message=redact_error(text(record, "message"))[:300],
        lag=None if copies else age(record, "transaction_timestamp", now),
        updated=age(record, "time_updated", now),
        throttled_by=text(throttled, "component_throttled") if held else "",
        rows_copied=whole(record, "rows_copied"),
    )
