"""The eight statements of "what must always hold", each as one test that fails without its protection.

Much more about each is proved elsewhere: kill -9 at every step in tests/e2e/test_crash.py and test_replicas.py, the
servers' own general log in tests/actions/test_reading_only.py. These are the quick ones, and `make mutate-guards` takes
the protections out one by one to see them go red.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from actions.contract import MySQL, Statement, Unreadable
from actions.remediations.mysql.set_variable import SetVariable
from actions.sql_quoting import identifier, statement
from bot.alerts import Alert
from bot.engine.gather_evidence import Gatherer
from bot.engine.outbox_port import Message
from bot.engine.ports import Receipt
from bot.engine.run import Choice, Decision, Run, RunState
from bot.engine.segments import Segment
from bot.errors import NotAllowed, StoreDown
from bot.fleet.mysql_connections import Server
from bot.fleet.mysql_sessions import MySQLReader
from bot.intake.http_app import HttpIntake
from bot.intake.metrics import Metrics
from bot.runbook.diagnosis.causes import diagnose
from bot.runbook.expressions.evaluation import render
from bot.runbook.language.schema import Runbook
from bot.slack import run_messages
from bot.slack.listeners import Listeners
from bot.slack.run_publisher import SlackPublisher
from bot.store import audit_log
from bot.store.database import Database
from bot.store.outbox_store import OutboxStore
from bot.store.run_store import RunStore
from bot.store.segment_queue import DirectQueue
from bot.store.tables import alerts, runs
from tests import samples
from tests.engine.scene import APPROVER, TARGET, Scene
from tests.intake.webhook import FIRING, TOKEN
from tests.samples import NOW

T = TypeVar("T")


def events(database: Database) -> list[str]:
    with database.reading() as connection:
        return [row.event for row in audit_log.entries(connection)]


# -- 1. An alert answered with 2xx is never lost, whatever dies next. ----------------------------------------------


class Queue(DirectQueue):
    """A queue that takes a segment, or breaks; a connection that is gone has taken nothing."""

    broken = False

    def put(self, connection: sa.Connection, run_id: str, segment: Segment, *, delay: float = 0.0) -> None:
        if self.broken:
            raise StoreDown("The store is full.")
        super().put(connection, run_id, segment, delay=delay)


@dataclass
class Receiver:
    """Receives alerts like the bot, without a search for the runbook."""

    store: RunStore

    def receive(self, alerts: Sequence[Alert]) -> Sequence[Receipt]:
        return [self.store.receive(each, key="k", run=samples.run(alert=each)) for each in alerts]

    def keep_refused(self, source: str, reason: str, body: bytes) -> None:
        raise AssertionError(reason)


@pytest.mark.parametrize("broken", [False, True], ids=["stored", "the store breaks"])
def test_1_an_alert_answered_with_2xx_is_never_lost(database: Database, broken: bool):
    queue = Queue()
    queue.broken = broken
    intake = HttpIntake(Receiver(RunStore(database, queue)), TOKEN, Metrics(dict), list)
    answer = TestClient(intake.app()).post(
        "/alerts/alertmanager", json=FIRING, headers={"Authorization": f"Bearer {TOKEN}"}
    )
    # The process may die here: only what another one finds in the database counts.
    with database.reading() as connection:
        stored = [connection.execute(sa.select(sa.func.count()).select_from(each)).scalar() for each in (alerts, runs)]
    assert (answer.is_success, stored, queue.waiting) == (
        (False, [0, 0], []) if broken else (True, [1, 1], [("r-1", "triage")])
    )


# -- 2. No change is issued twice, by a crash, a double click, a retry or two replicas. ----------------------------


class Died(BaseException):
    """The process is gone: nothing may catch this."""


@dataclass
class Dying:
    """An object whose every call counts; at one of them, before or after it is done, the process dies."""

    real: Any
    watch: Watch

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.real, name)
        return self.watch.around(found) if callable(found) else found


@dataclass
class Watch:
    dies_at: int
    calls: int = 0

    def around(self, call: Callable[..., T]) -> Callable[..., T]:
        def watched(*arguments: Any, **named: Any) -> T:
            self.tick()
            result = call(*arguments, **named)
            self.tick()
            return result

        return watched

    def tick(self) -> None:
        self.calls += 1
        if self.calls == self.dies_at:
            raise Died


@dataclass
class Recorded:
    """Steps as the durable engine has them: what was completed is replayed, what was in flight runs again."""

    results: dict[str, Any] = field(default_factory=dict)

    def step(self, name: str, do: Callable[[], T]) -> T:
        if name not in self.results:
            self.results[name] = do()
        found: T = self.results[name]
        return found


@pytest.mark.slow
def test_2_no_change_is_issued_twice_wherever_the_bot_dies(database: Database):
    scene = Scene(database)
    scene.approve()
    approved, server = scene.stored, scene.fleet.servers[TARGET]
    survived, deaths = False, 0
    while not survived:
        deaths += 1
        _again(scene, approved)
        server.value = 100
        watch, steps = Watch(deaths), Recorded()
        mortal = replace(scene.rollout, store=Dying(scene.store, watch), fleet=Dying(scene.fleet, watch))
        try:
            mortal.change(steps, "r-1")
            survived = True
        except Died:
            scene.rollout.change(steps, "r-1")
        assert len(scene.issued) <= 1, f"issued twice after a death at call {deaths}"
        assert scene.stored.state in (RunState.MENDED, RunState.UNKNOWN), f"death at call {deaths}"
        assert (scene.stored.state is RunState.MENDED) <= bool(scene.issued), "mended, and nothing was issued"
    assert deaths > 30


def _again(scene: Scene, approved: Run) -> None:
    """Everything as it was when the approval came."""
    scene.issued.clear()
    with scene.database.transaction() as connection:
        for table in ("intents", "changes", "leases"):
            connection.execute(sa.text(f"DELETE FROM {table}"))
    scene.store.save(approved, expect=scene.stored.state)


def test_2_a_double_click_is_one_approval(database: Database):
    scene = Scene(database)
    plan = scene.approve()
    with pytest.raises(NotAllowed, match="already decided on the plan of run r-1"):
        scene.store.decide("r-1", Decision(APPROVER, Choice.APPROVE, plan.digest, NOW))
    assert scene.queue.waiting.count(("r-1", "change")) == 1
    scene.advance()
    scene.advance()
    assert len(scene.issued) == 1


# -- 3. No change runs that was not approved as it is. -------------------------------------------------------------


def _another_server(scene: Scene) -> None:
    scene.fleet.servers[TARGET].uuid = "uuid of somebody else"


def _another_value(scene: Scene) -> None:
    scene.fleet.servers[TARGET].value = 90


def _another_target(scene: Scene) -> None:
    stored = scene.stored
    assert stored.plan is not None
    moved = replace(stored.plan, changes=tuple(replace(each, target="orders-3") for each in stored.plan.changes))
    scene.store.save(replace(stored, plan=moved), expect=stored.state)


@pytest.mark.parametrize("meanwhile", [_another_server, _another_value, _another_target])
def test_3_another_target_or_state_voids_the_approval(database: Database, meanwhile: Callable[[Scene], None]):
    scene = Scene(database)
    scene.approve()
    meanwhile(scene)
    assert scene.advance().state is RunState.REFUSED
    assert scene.issued == []


def test_3_who_asked_for_it_does_not_approve_it(database: Database):
    scene = Scene(database, run=samples.run(target=TARGET, requester=APPROVER))
    with pytest.raises(NotAllowed, match="<@U0BOB> asked for this change"):
        scene.commands.decide(APPROVER, "r-1", "", Choice.APPROVE)
    scene.approve()
    assert "asked for this change" in scene.advance().says
    assert scene.issued == []


def test_3_another_digest_is_not_what_was_approved(database: Database):
    scene = Scene(database)
    scene.store.wait(replace(scene.run, plan=scene.plan()), expires_in=300)
    with pytest.raises(NotAllowed, match="a newer plan than the one on this card"):
        scene.store.decide("r-1", Decision(APPROVER, Choice.APPROVE, "f" * 64, NOW))


def test_3_another_statement_does_not_run_though_all_guards_passed(database: Database, monkeypatch: pytest.MonkeyPatch):
    scene = Scene(database)
    scene.approve()
    real, asked = SetVariable.change, 0

    def sly(self: SetVariable, db: MySQL) -> Any:
        """Says one thing while it is judged, and wants another while it is made."""
        nonlocal asked
        asked += 1
        return real(self, db) if asked == 1 else iter([Statement("SET GLOBAL `read_only` = 0")])

    monkeypatch.setattr(SetVariable, "change", sly)
    ended = scene.advance()
    assert scene.issued == []
    assert "which was not approved" in ended.says


# -- 4. A diagnostic cannot write. ---------------------------------------------------------------------------------

WRITING = [
    "UPDATE t SET a = 1",
    "SET GLOBAL read_only = 0",
    "SELECT 1 INTO OUTFILE '/tmp/x'",
    "SELECT * FROM t FOR UPDATE",
    "SELECT GET_LOCK('x', 1)",
    "SHOW TABLES; DROP TABLE t",
    "SELECT /*! SQL_NO_CACHE */ 1",
    "WITH x AS (SELECT 1) DELETE FROM t",
]


class Wire:
    """A connection on which a statement has arrived."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def get_server_info(self) -> str:
        return "9.7.4"

    def cursor(self) -> Wire:
        return self

    def execute(self, sql: str, _: object = None) -> None:
        self.sent.append(sql)


@pytest.mark.parametrize("sql", WRITING)
def test_4_a_reader_sends_nothing_that_writes(sql: str):
    wire: Any = Wire()
    reader = MySQLReader(wire, Server("db", 3306, "reader", "secret"))
    with pytest.raises(Unreadable, match="A reader"):
        reader.rows(sql)
    assert wire.sent == []


# -- 5. Every run ends, or waits visibly with a deadline. None hangs in silence. -----------------------------------


def _down(scene: Scene, _: pytest.MonkeyPatch) -> None:
    for server in scene.fleet.servers.values():
        server.down = True


def _bug(scene: Scene, patch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    patch.setattr(SetVariable, "check", broken)


@pytest.mark.parametrize("breaks", [_down, _bug])
def test_5_a_change_that_breaks_ends_its_run_visibly(
    database: Database, monkeypatch: pytest.MonkeyPatch, breaks: Callable[[Scene, pytest.MonkeyPatch], None]
):
    scene = Scene(database)
    scene.approve()
    breaks(scene, monkeypatch)
    ended = scene.advance()
    assert ended.state.ended
    assert ended.says
    assert scene.publisher.runs[-1].state is ended.state
    assert scene.store.holder("orders", besides="nobody") is None, "it must let go of the shard"


def test_5_what_waits_has_a_deadline_and_ends_there(database: Database):
    scene = Scene(database)
    scene.store.wait(replace(scene.run, plan=scene.plan()), expires_in=300)
    assert scene.stored.expires_at is not None
    assert scene.queue.later == [("r-1", "expire")]
    assert scene.advance("expire").state is RunState.EXPIRED


# -- 6. Every refusal is recorded and told, with its reason and what to do next. -----------------------------------


class Now(Executor):
    """Does at once what it is given."""

    def submit(self, do: Callable[..., T], /, *arguments: Any, **named: Any) -> Future[T]:
        done: Future[T] = Future()
        done.set_result(do(*arguments, **named))
        return done


def test_6_a_person_who_is_refused_is_told_and_it_is_recorded():
    told: list[tuple[str, ...]] = []
    recorded: list[tuple[str, ...]] = []
    nobody: Any = type("Authorize", (), {"tell": lambda self, *what: told.append(what)})()
    unused: Any = None
    listeners = Listeners(unused, unused, unused, nobody, lambda *what: recorded.append(what), Now())

    def refused() -> str:
        raise NotAllowed("You are no admin; ask <@U0ALICE>.")

    listeners._answer("U0CAROL", "C0DBALERTS", "/mate halt", refused)
    assert recorded == [("U0CAROL", "/mate halt", "You are no admin; ask <@U0ALICE>.")]
    assert told == [("U0CAROL", "C0DBALERTS", ":no_entry: You are no admin; ask <@U0ALICE>.")]


def test_6_what_a_guard_refuses_is_audited_and_stands_in_the_thread(database: Database):
    scene = Scene(database)
    scene.approve()
    scene.directory.without.add((APPROVER, "approver"))
    ended = scene.advance()
    with database.reading() as connection:
        [refused] = [row for row in audit_log.entries(connection) if row.event == "run.refused"]
    assert json.loads(refused.data)["says"] == ended.says
    assert "Not counted" in ended.says
    outcome = next(message for message in run_messages.render(scene.publisher.runs[-1]) if message.key == "r-1:outcome")
    assert "0 of 1 required approvals" in text_of(outcome)


# -- 7. Text from outside is data: not SQL, not a template, not markup, not a mention. -----------------------------

HOSTILE = "<!channel> <@U0BOB> {{ 7 * 7 }} '; DROP TABLE t; -- `x` *bold* <https://evil.example|Approve>"


def text_of(message: Message) -> str:
    return json.dumps(message.payload, ensure_ascii=False)


def test_7_text_from_outside_is_no_markup_and_no_mention():
    labels = {"alertname": HOSTILE, "instance": HOSTILE, "severity": HOSTILE}
    run = samples.run(alert=samples.alert(labels=labels), target=HOSTILE, state=RunState.FAILED, says=HOSTILE)
    for message in run_messages.render(run):
        for marked in ("<!channel>", "<https://evil"):
            for text in mrkdwn(message.payload):
                assert marked not in text


def mrkdwn(value: Any) -> list[str]:
    """Every text that Slack reads as markup."""
    if isinstance(value, list):
        return [text for each in value for text in mrkdwn(each)]
    if not isinstance(value, dict):
        return []
    found = [text for each in value.values() for text in mrkdwn(each)]
    return [*found, value["text"]] if value.get("type") == "mrkdwn" else found


def test_7_text_from_outside_is_no_template_and_no_sql():
    assert "49" not in render("It is {{ name }}.", {"name": HOSTILE})
    assert HOSTILE.replace("'", "''") in str(statement("SELECT {}", HOSTILE))
    assert identifier("a`; DROP TABLE t") == "`a``; DROP TABLE t`"


# -- 8. When Slack, Prometheus or one host is down, the rest goes on and the card says what is missing. -------------


def test_8_what_does_not_answer_is_named_and_the_rest_goes_on(database: Database):
    scene = Scene(database)
    scene.fleet.servers["orders-1"].down = True
    variables = {"use": "mysql.global_variables", "with": {"names": ["max_connections"]}}
    book = Runbook.model_validate(
        {
            "runbook": "mysql/x",
            "title": "x",
            "owner": "me",
            "gather": {
                "limits": variables,
                "there": {**variables, "on": "primary"},
                "past": {"use": "prometheus.instant", "with": {"query": "up"}},
            },
            "causes": [{"id": "few", "when": 'limits.values["max_connections"] == "100"', "says": "Too few."}],
        }
    )
    gathered = Gatherer(scene.fleet).gather(book, scene.fleet.find(TARGET), {}, {}, lambda _: None)
    diagnosis = diagnose(book, gathered.evidence, {})
    assert diagnosis.lead is not None
    assert diagnosis.lead.id == "few"
    card = next(
        text_of(message)
        for message in run_messages.render(samples.run(steps=gathered.steps, state=RunState.DIAGNOSED))
        if message.key == "r-1:card"
    )
    assert "`there` orders-1:3306 does not accept connections" in card
    assert "`past` " in card


def test_8_while_slack_is_down_the_change_is_made_and_what_is_to_be_said_waits(database: Database):
    """The publisher only stores the wanted messages; the sender may be unable to reach Slack meanwhile."""
    outbox = OutboxStore(database, clock=NOW.timestamp)
    publisher: Any = SlackPublisher(outbox)
    scene = Scene(database, publisher=publisher)
    scene.approve()
    assert scene.advance().state is RunState.MENDED
    assert len(scene.issued) == 1
    assert [envelope.key for envelope in outbox.due()] == ["r-1:card"], "its replies wait for the card"
    outbox.sent("r-1:card", "", "1.0")
    assert "Fixed and verified" in json.dumps([outbox.content(envelope.key)[0] for envelope in outbox.due()])
