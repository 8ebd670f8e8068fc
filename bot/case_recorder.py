"""Records one run on a live target as a test case: evidence, diagnosis and plan, with names and addresses replaced."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from actions.catalog import REMEDIATIONS
from actions.contract import MySQL, Refused, Row, ServerVersion, Unreadable
from actions.endpoint_contract import Endpoint
from actions.prometheus_contract import Prometheus
from actions.shard_contract import ShardMembers
from actions.statement_redaction import normalise, redact_error
from actions.vitess_contract import Vitess
from bot import shell_run as oneshot
from bot.alerts import Alert
from bot.config import Config, Instance, Shard
from bot.engine.gather_evidence import view
from bot.engine.plan import Plan
from bot.engine.planner import Observations, inputs_of
from bot.engine.ports import Fleet, Identity
from bot.engine.targets import Target
from bot.engine.triage import seen_by
from bot.engine_assembly import Engine
from bot.errors import FirstmateError
from bot.runbook.diagnosis.causes import Diagnosis
from bot.runbook.expressions.evaluation import EvidenceMissing, Missing
from bot.runbook.language.schema import Runbook
from bot.runbook.library.load_runbooks import parse
from bot.runbook.testing.evidence_stubs import given_fields
from bot.runbook.testing.recorded_case import Case
from bot.runbook.testing.run_tests import differences

LONGEST_LIST = 50
"""The most items of a list of evidence that are kept."""
_ADDRESS = re.compile(
    r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])|(?<![\w:])(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}(?![\w:])"
)
_UUID = re.compile(r"(?i)(?<![\w-])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![\w-])")
_STATEMENT = re.compile(
    r"\s*(?:/\*.*?\*/\s*)?(?:select|insert|update|delete|replace|call|with|alter|create|load)\b", re.I
)


NAMELESS = ("role", "flavour", "replicas", "tablet")
"""The properties of its target that a case keeps; the alias of a tablet is replaced, as in the evidence."""


@dataclass
class RecordingReader:
    """Records the answers of a reader; implements actions.contract.MySQL."""

    db: MySQL
    heard: list[tuple[str, list[Row]]]

    @property
    def version(self) -> ServerVersion:
        return self.db.version

    @property
    def address(self) -> str:
        return self.db.address

    def rows(self, sql: str, params: Sequence[object] = (), *, limit: int = 200, costly: bool = False) -> list[Row]:
        found = self.db.rows(sql, params, limit=limit, costly=costly)
        self.heard.append((" ".join(sql.split())[:200], found))
        return found

    def pause(self, seconds: float) -> None:
        self.db.pause(seconds)


@dataclass
class RecordingFleet:
    """A fleet whose readers record their answers; it refuses changes. Implements bot.engine.ports.Fleet."""

    fleet: Fleet
    heard: list[tuple[str, list[Row]]] = field(default_factory=list)
    versions: list[ServerVersion] = field(default_factory=list)

    def find(self, name: str) -> Target:
        return self.fleet.find(name)

    def find_by_labels(self, labels: Mapping[str, str]) -> Target | None:
        return self.fleet.find_by_labels(labels)

    def targets(self) -> Sequence[Target]:
        return self.fleet.targets()

    def doubts(self, shard: Shard) -> str:
        return self.fleet.doubts(shard)

    def identify(self, db: MySQL) -> Identity:
        return self.fleet.identify(db.db if isinstance(db, RecordingReader) else db)

    def members(self, shard: Shard) -> ShardMembers:
        return self.fleet.members(shard)

    @property
    def prometheus(self) -> Prometheus | None:
        return self.fleet.prometheus

    @contextmanager
    def read(self, shard: Shard, instance: Instance, reader: type = MySQL) -> Iterator[MySQL]:
        with self.fleet.read(shard, instance, reader) as db:
            if reader is Vitess:  # a case holds only SQL statements and their answers
                yield db
                return
            self.versions.append(db.version)
            yield RecordingReader(db, self.heard)

    def endpoint(self, shard: Shard, instance: Instance) -> Endpoint:
        return self.fleet.endpoint(shard, instance)

    def change(self, shard: Shard, instance: Instance, reader: type = MySQL) -> Any:  # noqa: ANN401 - it never returns
        raise FirstmateError("Recording does not allow changes.")


@dataclass(frozen=True)
class Recorded:
    """A case, and the reasons why parts of it were left out."""

    case: dict[str, Any]
    left_out: tuple[str, ...]


def record(config: Config, alert: Alert, fleet: Fleet) -> Recorded:
    """Runs the diagnostics of the alert's runbook once, and returns the evidence as a test case.

    Raises what `firstmate run` raises, and FirstmateError if the redacted case would have a different diagnosis.
    """
    listening = RecordingFleet(fleet)
    with oneshot.read_only_engine(config, listening) as engine:
        run = oneshot.opened(engine, alert)
        runbook = parse(run.runbook_text, run.runbook)
        target = engine.triage.target(run)
        found = engine.triage.diagnose(run, runbook, target)
        run, diagnosis, gathered = found.run, found.diagnosis, found.gathered
        inputs = inputs_of(run, runbook)
        case: dict[str, Any] = {
            "name": f"recorded from {alert.name or 'an alert'}",
            "runbook": runbook.runbook,
            "recorded": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
            "labels": dict(alert.labels),
            "inputs": dict(inputs),
            "given": {n: _bounded(given_fields(e)) for n, e in gathered.evidence.items() if not isinstance(e, Missing)},
            "missing": [name for name, found in gathered.evidence.items() if isinstance(found, Missing)],
            "expect": _expected(diagnosis),
        }
        if target is not None:
            case["target"] = {name: value for name, value in view(target).items() if name in NAMELESS and value != ""}
        if run.kind is not None and run.kind.kinds:
            case["kinds"] = list(run.kind.kinds)
        offered = diagnosis.lead.remedies if diagnosis.lead and target else ()
        if offered and target is not None:
            listening.heard.clear()
            plan = _planned(engine, seen_by(run, runbook, target, gathered), offered[0])
            if plan is not None and len(plan.changes) == 1 and _may_be_replayed(plan):
                case["server"] = str(listening.versions[-1])
                case["answers"] = [{"asks": sql, "rows": list(rows)} for sql, rows in _once(listening.heard)]
                case["expect"]["statements"] = list(plan.statements)
        return _proved(runbook, Pseudonyms.of(config, target).in_all(case))


def _planned(engine: Engine, seen: Observations, remedy: str) -> Plan | None:
    try:
        return engine.triage.planner.plan(seen, remedy)[0]
    except (Refused, Unreadable, EvidenceMissing, FirstmateError):
        return None


def _may_be_replayed(plan: Plan) -> bool:
    """Returns whether its plan depends on SQL alone; a change of Vitess reads more than a case can hold."""
    return all(REMEDIATIONS[each.action].reader is not Vitess for each in plan.changes)


def _expected(diagnosis: Diagnosis) -> dict[str, Any]:
    lead = diagnosis.lead
    found: dict[str, Any] = {"cause": lead.id if lead else None}
    if lead is not None and lead.remedies:
        found["remedy"] = list(lead.remedies)
    if lead is not None and lead.continues:
        found["continues"] = lead.continues
    found["causes"] = [each.id for each in diagnosis.holding]
    return found


def _once(heard: list[tuple[str, list[Row]]]) -> Iterator[tuple[str, list[Row]]]:
    seen: set[str] = set()
    for sql, rows in heard:
        if sql not in seen:
            seen.add(sql)
            yield sql, rows


def _bounded(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        return [_bounded(each) for each in value[:LONGEST_LIST]]
    if isinstance(value, dict):
        return {name: _bounded(each) for name, each in value.items()}
    return value


def _proved(runbook: Runbook, case: dict[str, Any]) -> Recorded:
    """Replays the case, and leaves out the plan if the redaction changed its meaning."""
    left_out: list[str] = []
    differing = differences(runbook, Case.model_validate(case))
    if any(each.what.startswith("statements") for each in differing):
        left_out.append(f"the plan, since it cannot be replayed ({differing[0]})")
        del case["answers"], case["expect"]["statements"]
        differing = differences(runbook, Case.model_validate(case))
    if differing:
        says = "; ".join(map(str, differing))
        raise FirstmateError(f"The redacted case would have a different diagnosis ({says}); nothing was written.")
    return Recorded(case, tuple(left_out))


@dataclass(frozen=True)
class Pseudonyms:
    """Replaces the fleet's names and every address, consistently within a case."""

    names: Mapping[str, str]
    addresses: dict[str, str] = field(default_factory=dict)
    uuids: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, config: Config, target: Target | None) -> Pseudonyms:
        """Returns pseudonyms for the inventory: db-1 is the target, and the others follow in order."""
        instances = [instance for shard in config.shards for instance in shard.members]
        if target is not None:
            instances.sort(key=lambda each: each.name != target.name)
        names: dict[str, str] = {}
        for number, instance in enumerate(instances, 1):
            for alias in instance.aliases:
                names[alias] = f"db-{number}:3306" if ":" in alias else f"db-{number}"
            names[instance.address] = f"db-{number}:3306"
            names[instance.name] = f"db-{number}"
            if not _ADDRESS.fullmatch(instance.host) and instance.host != "localhost":
                names.setdefault(instance.host, f"db-{number}")
        for number, shard in enumerate(config.shards, 1):
            names.setdefault(shard.name, f"shard-{number}")
        return cls(dict(sorted(names.items(), key=lambda pair: -len(pair[0]))))

    def in_all(self, value: Any) -> Any:  # noqa: ANN401 - YAML
        """Returns a document with every text redacted."""
        if isinstance(value, Mapping):
            # `asks` is a statement of our own, whose values are bound and not in it.
            return {str(name): each if name == "asks" else self.in_all(each) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.in_all(each) for each in value]
        if isinstance(value, bool | int | float) or value is None:
            return value
        return self.in_text(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))

    def in_text(self, text: str) -> str:
        """Returns a text without names, addresses and literals."""
        if _STATEMENT.match(text):
            return normalise(text) if "'" in text or '"' in text else text
        for name, other in self.names.items():
            text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", other, text)
        text = _ADDRESS.sub(lambda found: self._address(found[0]), text)
        text = _UUID.sub(lambda found: self._uuid(found[0]), text)
        return redact_error(text) if "'" in text else text

    def _address(self, found: str) -> str:
        return self.addresses.setdefault(found, f"192.0.2.{len(self.addresses) % 250 + 1}")

    def _uuid(self, found: str) -> str:
        return self.uuids.setdefault(found.lower(), f"00000000-0000-0000-0000-{len(self.uuids) + 1:012d}")
