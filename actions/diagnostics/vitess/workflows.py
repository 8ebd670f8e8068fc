"""The state of a keyspace's VReplication streams: which are stopped, failed, late, or have switched traffic."""

from __future__ import annotations

import time
from dataclasses import dataclass

from actions.contract import Cost, Flavour, Refused, Seconds, diagnostic
from actions.protobuf_json import NO_LAG, Record, age, decimal, integer, moment, nested, records, text
from actions.statement_redaction import redact_error
from actions.vitess_contract import ComponentAnswer, Vitess, alias_of, runbook_command
from actions.vitess_workflows import FROZEN, MOVING_TYPES

TERMINAL = "terminal error"
"""How the message of a stream begins that is not retried."""
ONLINE_DDL = "OnlineDDL"
LATE: Seconds = 60.0
"""Lag above which a stream counts as late; also the age up to which a throttling counts as current."""
MOST = 200


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream of a workflow, on the primary that it writes to."""

    workflow: str
    """The name of its workflow."""
    type: str = ""
    """MoveTables, Reshard, Materialize, CreateLookupIndex, OnlineDDL and so on."""
    id: int = 0
    """Its number on the tablet."""
    shard: str = ""
    """The shard that it writes to."""
    tablet: str = ""
    """The primary that it runs on."""
    source: str = ""
    """`keyspace/shard` that it reads."""
    state: str = ""
    """Running, Copying, Stopped, Error, Init or Lagging; GetWorkflows reports Error whenever the message contains
    one."""
    message: str = ""
    """Its last message, without the values that it quotes; it says why a stream stopped."""
    lag: Seconds | None = None
    """Time since the last transaction or heartbeat of its source; empty while it copies, or if it had none yet."""
    updated: Seconds = 0.0
    """Time since it last wrote its own state."""
    throttled_by: str = ""
    """The component that was throttled within the last minute; '' if none was."""
    rows_copied: int = 0
    """Rows copied so far."""

    @property
    def frozen(self) -> bool:
        """Whether it is stopped because its traffic was switched away."""
        return self.message == FROZEN

    @property
    def terminal(self) -> bool:
        """Whether it failed with an error that is not retried."""
        return self.state == "Error" and TERMINAL in self.message

    @property
    def reason(self) -> str:
        """Why Vitess stopped it; '' if a person stopped it, or if it is running.

        The message of a running stream, or of one that a person stopped, may date from its start.
        """
        if self.state == "Error":
            return self.message or "an unknown error"
        told = self.message.lower()
        return self.message if self.state == "Stopped" and ("error" in told or told.startswith("stopped")) else ""


@dataclass(frozen=True, slots=True)
class Workflow:
    """One workflow into the keyspace."""

    name: str
    type: str = ""
    """MoveTables, Reshard, Materialize and so on."""
    source: str = ""
    """The keyspace that it reads."""
    traffic: str = ""
    """Which traffic is switched, in Vitess's words; '' for types without traffic switching."""
    lag: Seconds = 0.0
    """Lag of its latest stream; 0 while it copies."""
    streams: tuple[Stream, ...] = ()
    """Its streams, one or more for each target shard."""

    @property
    def states(self) -> tuple[str, ...]:
        """The states of its streams, each once."""
        return tuple(sorted({stream.state for stream in self.streams}))

    @property
    def switching(self) -> bool:
        """Whether some of its traffic is switched and it is not completed, or its streams are frozen."""
        some = any(part.strip().endswith(" Switched") and "Not" not in part for part in self.traffic.split("."))
        return some or "partially" in self.traffic or any(stream.frozen for stream in self.streams)


@dataclass(frozen=True, slots=True)
class Workflows:
    """The workflows into a keyspace; those of online DDL are only counted, see vitess.schema_migrations."""

    keyspace: str = ""
    workflows: tuple[Workflow, ...] = ()
    """The workflows; 200 at most."""
    online_ddl: int = 0
    """Streams of schema migrations."""
    left_out: int = 0
    """Workflows beyond the 200 that are listed."""
    missing: tuple[str, ...] = ()
    """What could not be read, one sentence each."""

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams of all workflows."""
        return tuple(stream for workflow in self.workflows for stream in workflow.streams)

    @property
    def stopped(self) -> tuple[Stream, ...]:
        """Streams that a person stopped, or that stopped at a configured position; frozen ones are not included."""
        return tuple(stream for stream in self.streams if stream.state == "Stopped" and not stream.frozen)

    @property
    def failing(self) -> tuple[Stream, ...]:
        """Streams that failed, or that are retrying after an error."""
        return tuple(
            stream
            for stream in self.streams
            if stream.state == "Error" or (stream.state in ("Running", "Copying") and "rror" in stream.message)
        )

    @property
    def copying(self) -> tuple[Stream, ...]:
        """Streams that are still copying rows."""
        return tuple(stream for stream in self.streams if stream.state in ("Copying", "Init"))

    @property
    def lagging(self) -> tuple[Stream, ...]:
        """Running streams with a lag of more than a minute."""
        return tuple(
            stream
            for stream in self.streams
            if stream.state in ("Running", "Lagging") and stream.lag is not None and stream.lag > LATE
        )

    @property
    def throttled(self) -> tuple[Stream, ...]:
        """Streams that are throttled."""
        return tuple(stream for stream in self.streams if stream.throttled_by)

    @property
    def switching(self) -> tuple[str, ...]:
        """Names of workflows whose traffic is switched, fully or in part, and that are not completed."""
        return tuple(workflow.name for workflow in self.workflows if workflow.switching)

    @property
    def longest_lag(self) -> Seconds:
        """The longest lag of a running stream."""
        return max((stream.lag or 0.0 for stream in self.streams if stream.state == "Running"), default=0.0)


@diagnostic(cost=Cost.LOW, needs={Flavour.VITESS: ("GetWorkflows", "WorkflowStatus")})
def workflows(vt: Vitess, *, workflow: str = "") -> Workflows:
    """Reads the workflows into the keyspace, or only `workflow`, and which traffic is switched."""
    asked = {"keyspace": vt.keyspace} | ({"workflow": workflow} if workflow else {})
    found = records(vt.rpc("GetWorkflows", **asked), "workflows")
    shown = [one for one in found if text(one, "workflow_type") != ONLINE_DDL]
    switched = [text(one, "name") for one in shown if text(one, "workflow_type") in MOVING_TYPES][:MOST]
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


def workflow_by_name(vt: Vitess, name: str) -> Workflow:
    """Returns one workflow into the keyspace; raises Refused if it has none of this name."""
    seen: Workflows | None = workflows(vt, workflow=name) if name else None
    if seen is None or not seen.workflows:
        raise Refused(
            f"{vt.keyspace} has no workflow {name[:80]!r}, or it belongs to online DDL; "
            f"{runbook_command(vt, 'vitess/workflow')} lists the others."
        )
    return seen.workflows[0]


def _workflow(record: Record, answers: dict[str, ComponentAnswer], now: float) -> Workflow:
    name = text(record, "name")
    answer = answers.get(name)
    lag = decimal(record, "max_v_replication_transaction_lag")
    return Workflow(
        name=name,
        type=text(record, "workflow_type"),
        source=text(nested(record, "source"), "keyspace"),
        traffic=text(answer.body, "traffic_state") if answer is not None and answer.ok else "",
        lag=lag if abs(lag) < NO_LAG else 0.0,
        streams=_streams(record, now)[:MOST],
    )


def _streams(record: Record, now: float) -> tuple[Stream, ...]:
    found = []
    for key, streams in sorted(nested(record, "shard_streams").items()):
        found += [_stream(record, key.partition("/")[0], one, now) for one in records(streams, "streams")]
    return tuple(found)


def _stream(workflow: Record, shard: str, record: Record, now: float) -> Stream:
    state, source, throttled = (
        text(record, "state"),
        nested(record, "binlog_source"),
        nested(record, "throttler_status"),
    )
    copies = state in ("Copying", "Init") or not moment(record, "transaction_timestamp")
    held = moment(throttled, "time_throttled") > now - LATE
    return Stream(
        workflow=text(workflow, "name"),
        type=text(workflow, "workflow_type"),
        id=integer(record, "id"),
        shard=shard,
        tablet=alias_of(nested(record, "tablet")),
        source=f"{text(source, 'keyspace')}/{text(source, 'shard')}" if source else "",
        state=state,
        message=redact_error(text(record, "message"))[:300],
        lag=None if copies else age(record, "transaction_timestamp", now),
        updated=age(record, "time_updated", now),
        throttled_by=text(throttled, "component_throttled") if held else "",
        rows_copied=integer(record, "rows_copied"),
    )
