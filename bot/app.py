"""The composition root: where adapters meet the engine. Nothing else knows all of them."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import uvicorn

from bot.alerts import Alert, parse_matcher
from bot.config import Config, SlackSettings
from bot.engine.assignment import AssignmentPublisher, Assignments
from bot.engine.engine import Engine
from bot.engine.fact_collector import Collector
from bot.engine.first_sweep import WITHIN as FIRST_SWEEP_WITHIN
from bot.engine.gather import Gatherer
from bot.engine.halts import Halts
from bot.engine.pausing import Pausing
from bot.engine.planner import Planner
from bot.engine.ports import Directory, Fleet, Publisher, Receipt, Silencer
from bot.engine.rollout import Rollout
from bot.engine.run_factory import RunFactory
from bot.engine.sweep import Sweeps
from bot.engine.triage import Triage
from bot.engine.undo import Undo
from bot.engine.vtorc_activity import VtorcActivity
from bot.errors import Busy, ConfigError, WrongUsage
from bot.fleet.alertmanager import AlertmanagerSilencer
from bot.fleet.fleet import ConfiguredFleet
from bot.fleet.mysql import LONGEST_IDLE
from bot.frontdesk import EngineDesk
from bot.intake.http import HttpIntake
from bot.intake.metrics import Metrics
from bot.policy import load_policy
from bot.runbook.library.live_library import LiveLibrary
from bot.runbook.library.load import folders_of, shipped_folder
from bot.runbook_reloader import Reloader
from bot.slack.authorise import Authorise
from bot.slack.connection import Connection, HttpConnection, connect, installation_of, web_client
from bot.slack.directory import SlackDirectory
from bot.slack.listeners import build_app
from bot.slack.publisher import SlackPublisher
from bot.slack.sender import Sender
from bot.stalled_runs import StalledRuns
from bot.store import policy_history as policies
from bot.store.durable import INTERPRETER, Durable
from bot.store.open import open_database
from bot.store.outbox import OutboxStore
from bot.store.purger import Purger
from bot.store.replicas import Replica
from bot.store.run_store import RunStore
from bot.store.schema_upgrade import migrate

log = logging.getLogger(__name__)

PUBLISHED_AGAIN = 100
"""Runs whose cards are drawn again at a start."""
HALT_FILE = "HALT"
"""While this file is in the folder of the store, nothing is changed: `echo REASON > HALT` works without Slack."""
IN_FLIGHT = LONGEST_IDLE + 2.0
"""Seconds after which no statement can come any more from a replica of the bot that was taken for dead."""
STOP_WITHIN = 5
"""Seconds that what is under way may take when the bot stops; the rest goes on at the next start."""


def channel_table(config: Config) -> Callable[[Alert], str]:
    """Returns the function that routes an alert: to the first route whose matchers all hold, else to the default.

    Raises ConfigError for a matcher that does not parse.
    """
    try:
        table = [([parse_matcher(text) for text in route.match], route.channel) for route in config.routes]
    except WrongUsage as error:
        raise ConfigError(f"routes: {error}") from error

    def route(alert: Alert) -> str:
        for matchers, channel in table:
            if all(matcher.accepts(alert.labels.get(matcher.name, "")) for matcher in matchers):
                return channel
        return config.default_channel

    return route


def engine_on(
    config: Config, store: RunStore, fleet: Fleet, directory: Directory, publisher: Publisher, live_library: LiveLibrary
) -> Engine:
    """Puts the engine together."""
    publisher = AssignmentPublisher(store, publisher)
    halts = Halts(store, config.data / HALT_FILE)
    collector = Collector(
        fleet, store, directory, halts, VtorcActivity(fleet), config.autonomy, load_policy(config.policy)
    )
    gatherer = Gatherer(fleet)
    planner = Planner(fleet, gatherer, lambda name: live_library.library.find(name))
    undo = Undo(fleet, store, publisher, halts)
    in_flight = IN_FLIGHT if store.database.several else 0.0
    return Engine(
        run_factory=RunFactory(live_library, fleet, store, config.approvals, channel_table(config)),
        fleet=fleet,
        store=store,
        directory=directory,
        triage=Triage(fleet, store, publisher, collector, gatherer, planner, config.approvals.expires_after),
        rollout=Rollout(fleet, store, publisher, collector, planner, undo, in_flight=in_flight),
        undo=undo,
        assignments=Assignments(store, publisher, _silencer(config)),
        halts=halts,
        pausing=Pausing(store, publisher),
    )


def directory_of(config: Config) -> Directory:
    """Who people are; raises ConfigError or Unreachable where Slack does not say whose workspace this is."""
    client = web_client(_slack_settings(config))
    return SlackDirectory(client, config.roles, installation_of(client).team)


def _silencer(config: Config) -> Silencer | None:
    named = config.prometheus.alertmanager if config.prometheus else None
    return AlertmanagerSilencer(named) if named else None


class _Receiver:
    """The intake's receiver: the engine for alerts, the store for what did not fit."""

    def __init__(self, engine: Engine, store: RunStore) -> None:
        self._engine = engine
        self._store = store

    def receive(self, alerts: Sequence[Alert]) -> Sequence[Receipt]:
        return self._engine.receive(alerts)

    def keep_refused(self, source: str, reason: str, body: bytes) -> None:
        self._store.keep_refused(source, reason, body)


class Bot:
    """The whole bot in one process. What can be wrong with a configuration is found before anything starts."""

    def __init__(self, config: Config, taken_for_dead: Callable[[], None] = lambda: None) -> None:
        settings = _slack_settings(config)
        if not config.default_channel:
            raise ConfigError("default_channel is not set; name the id of the channel for alerts without a route.")
        self.live_library = LiveLibrary(folders_of(config), shipped_folder())
        token = config.intake.token.read()
        client = web_client(settings)
        installed = installation_of(client)
        self._database = open_database(config)
        migrate(self._database)
        self._outbox = OutboxStore(self._database)
        self._replica = self._one_of_several(taken_for_dead) if self._database.several else None
        self._durable = Durable(self._database, self._replica.id) if self._replica else Durable(self._database)
        self._sender = Sender(client, self._outbox, leads=self._leads)
        self._outbox.woken = self._sender.wake
        self.store = RunStore(self._database, self._durable)
        directory = SlackDirectory(client, config.roles, installed.team)
        publisher = SlackPublisher(self._outbox)
        self.engine = engine_on(config, self.store, ConfiguredFleet(config), directory, publisher, self.live_library)
        secret = settings.signing_secret.read() if settings.mode == "http" and settings.signing_secret else None
        sweeps = Sweeps(self.engine.fleet, within=FIRST_SWEEP_WITHIN)
        front = EngineDesk(self.engine, self._outbox.waiting, sweeps, self._outbox.put)
        authorise = Authorise(directory, client, installed.team, installed.app, self._record)
        self._connection: Connection = connect(build_app(client, secret, front, authorise, self._record), settings)
        self._reloader = Reloader(self.live_library, self._outbox, self._audited, config.default_channel)
        self._server = _Server(config, self._door(token))
        self._stalled_runs = StalledRuns(self.store, self._durable, self.engine.give_up, self._leads, self._versions)
        self._stalled_runs.sweep = Purger(
            self._database, self._durable, config.retention, self._stalled_runs.goes_on
        ).sweep
        if self._database.several:
            self._stalled_runs.each_time = self.engine.halts.share

    def _one_of_several(self, taken_for_dead: Callable[[], None]) -> Replica:
        return Replica(self._database, lambda alive: self._durable.recover(alive), INTERPRETER, taken_for_dead)

    def _leads(self) -> bool:
        return self._replica is None or self._replica.leads()

    def _versions(self) -> Collection[str]:
        return self._replica.versions() if self._replica else ()

    def start(self) -> None:
        """Starts what works off first, then what lets work in; alerts do not wait for Slack."""
        policies.record(self._database, self.engine.triage.collector.policy)
        if self._replica is not None:
            self._replica.register()
        self._sender.start()
        self.engine.end_older()
        self._publish_again()
        self._durable.start(self.engine.advance)
        if self._replica is not None:
            self._replica.start()
        self._stalled_runs.start()
        self._reloader.start()
        self._server.start()
        self._connection.open()

    def _publish_again(self) -> None:
        """Wants the cards of the newest runs as they stand: the last process may have died before it did.

        What is in Slack already as it is wanted is not sent again.
        """
        for run in reversed(self.store.runs(limit=PUBLISHED_AGAIN)):
            self.engine.triage.publisher.publish(run)

    def stop(self) -> None:
        """Lets nothing new in, finishes what is under way within its bound, and closes the store."""
        self._reloader.stop()
        self._server.stop()
        self._connection.close()
        self._stalled_runs.stop()
        self._durable.stop(STOP_WITHIN)
        self._sender.stop()
        if self._replica is not None:
            self._replica.stop()
        self.engine.triage.gatherer.close()
        self._database.close()

    def _door(self, token: str) -> HttpIntake:
        slack = self._connection.handle if isinstance(self._connection, HttpConnection) else None
        return HttpIntake(
            receiver=_Receiver(self.engine, self.store),
            token=token,
            metrics=Metrics(self._gauges),
            not_ready=self._not_ready,
            slack=slack,
        )

    def _record(self, user: str, entry: str, reason: str) -> None:
        self.store.audit("request.refused", actor=user or "unknown", subject=entry, reason=reason)

    def _audited(self, event: str, data: Mapping[str, Any]) -> None:
        self.store.audit(event, actor="firstmate", subject="runbooks", **data)

    def _not_ready(self) -> Sequence[str]:
        return [] if self._connection.connected else ["Slack is not connected; commands and buttons do not arrive."]

    def _gauges(self) -> Mapping[str, Mapping[str, float]]:
        return {
            "runs": {state: float(count) for state, count in self.store.counts().items()},
            "messages": {"waiting": float(self._outbox.waiting())},
            "connected": {"slack": float(self._connection.connected)},
            "runbooks": {"in_force": float(len(self.live_library.library.runbooks)), **self._reloader.counts},
            "halted": {halt.scope or "everything": 1.0 for halt in self.engine.halted()} or {"everything": 0.0},
        }


class _Server:
    """The HTTP side in a thread of its own."""

    def __init__(self, config: Config, door: HttpIntake) -> None:
        host, port = config.intake.host, config.intake.port
        self._where = f"{host}:{port}"
        self._server = uvicorn.Server(
            uvicorn.Config(
                door.app(), host=host, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=3
            )
        )
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
        self._failed = False

    def start(self) -> None:
        """Returns when the port accepts; raises ConfigError when it is taken."""
        self._thread.start()
        while not self._server.started:
            self._thread.join(0.01)
            if self._failed or not self._thread.is_alive():
                raise ConfigError(
                    f"Nothing can listen on {self._where}; another process has the port. Set intake.port."
                )

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(5)

    def _run(self) -> None:
        try:
            self._server.run()
        except SystemExit:
            # uvicorn ends so when the port is taken.
            self._failed = True


def serve(config: Config, *, ready: Callable[[LiveLibrary], None] = lambda _: None) -> None:
    """Runs the bot until SIGTERM or SIGINT; raises what is wrong with the configuration before anything starts.

    `ready` is called with the runbooks in force once it stands watch.
    """
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    dead = threading.Event()

    def taken_for_dead() -> None:
        dead.set()
        stopped.set()

    bot = Bot(config, taken_for_dead)
    try:
        bot.start()
        ready(bot.live_library)
        stopped.wait()
    finally:
        bot.stop()
    if dead.is_set():
        raise Busy("The other replicas took this one for dead and do its work now; start it again.")


def _slack_settings(config: Config) -> SlackSettings:
    if config.slack is None:
        raise ConfigError("The configuration has no `slack`; the README's second page shows what it takes.")
    return config.slack
