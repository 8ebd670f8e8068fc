"""The composition root: builds the adapters and the engine from a configuration, and starts and stops them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from bot.config import Config, SlackSettings
from bot.engine.sweep.first_sweep import WITHIN as FIRST_SWEEP_WITHIN
from bot.engine.sweep.run_sweep import Sweeps
from bot.engine_assembly import assemble, slack_settings
from bot.errors import Busy, ConfigError
from bot.fleet.configured_fleet import ConfiguredFleet
from bot.intake import metrics
from bot.intake.http_app import HttpIntake
from bot.intake.http_server import HttpServer
from bot.runbook.library.live_library import LiveLibrary
from bot.runbook.library.load_runbooks import folders_of, shipped_folder
from bot.runbook_reloader import Reloader
from bot.slack.authorize import Authorize
from bot.slack.bolt_app import build_app
from bot.slack.connection import Connection, HttpConnection, connect, installation_of, web_client
from bot.slack.lookups import Lookups
from bot.slack.outbox_sender import Sender
from bot.slack.run_publisher import SlackPublisher
from bot.slack.sweep_command import SweepCommand
from bot.slack.user_directory import SlackDirectory
from bot.stalled_runs import StalledRuns
from bot.store import policy_history
from bot.store.bot_replicas import Replica
from bot.store.durable_queue import INTERPRETER, Durable
from bot.store.open_database import open_database
from bot.store.outbox_store import OutboxStore
from bot.store.purger import Purger
from bot.store.run_store import RunStore
from bot.store.schema_upgrade import migrate

PUBLISHED_AGAIN = 100
"""The newest runs, whose cards are published again at the start."""
STOP_WITHIN = 5
"""Seconds that segments under way may take when the bot stops; the next start continues the rest."""


class Bot:
    """The whole bot in one process; raises errors in the configuration before anything starts."""

    def __init__(self, config: Config, taken_for_dead: Callable[[], None] = lambda: None) -> None:
        settings = slack_settings(config)
        if not config.default_channel:
            raise ConfigError("default_channel is not set. Set it to the ID of the channel for alerts without a route.")
        self.live_library = LiveLibrary(folders_of(config), shipped_folder())
        token = config.intake.token.read()
        client = web_client(settings)
        installed = installation_of(client)
        directory = SlackDirectory(client, config.roles, installed.team)
        self._database = open_database(config)
        migrate(self._database)
        self._replica = self._replica_of(taken_for_dead) if self._database.several else None
        self._durable = Durable(self._database, self._replica.id) if self._replica else Durable(self._database)
        self._outbox = OutboxStore(self._database, woken=lambda: self._sender.wake())
        self._sender = Sender(client, self._outbox, leads=self._leads)
        self._store = RunStore(self._database, self._durable)
        publisher = SlackPublisher(self._outbox)
        fleet = ConfiguredFleet(config)
        self._engine = assemble(config, self._store, fleet, directory, publisher, self.live_library)
        authorize = Authorize(directory, client, installed.team, installed.app, self._audit_refusal)
        self._connection = self._connection_of(settings, authorize)
        self._reloader = Reloader(self.live_library, self._outbox, self._audit_runbooks, config.default_channel)
        self._server = HttpServer(self._intake(token).app(), config.intake.host, config.intake.port)
        self._stalled_runs = self._stalled_runs_of(config)

    def _replica_of(self, taken_for_dead: Callable[[], None]) -> Replica:
        return Replica(self._database, lambda alive: self._durable.recover(alive), INTERPRETER, taken_for_dead)

    def _connection_of(self, settings: SlackSettings, authorize: Authorize) -> Connection:
        engine = self._engine
        lookups = Lookups(
            self.live_library, engine.run_factory, self._store, engine.halts, engine.roles, self._outbox.waiting
        )
        sweeps = Sweeps(engine.fleet, within=FIRST_SWEEP_WITHIN)
        sweep_command = SweepCommand(engine.fleet, self._store, engine.roles, sweeps, self._outbox.put)
        secret = settings.signing_secret.read() if settings.mode == "http" and settings.signing_secret else None
        app = build_app(secret, engine.commands, lookups, sweep_command, authorize, self._audit_refusal)
        return connect(app, settings)

    def _intake(self, token: str) -> HttpIntake:
        return HttpIntake(
            receiver=self._engine.receiver,
            token=token,
            metrics=metrics.Metrics(self._gauges),
            not_ready=self._not_ready,
            slack=self._connection.handle if isinstance(self._connection, HttpConnection) else None,
        )

    def _stalled_runs_of(self, config: Config) -> StalledRuns:
        stopping = threading.Event()
        purger = Purger(self._database, self._durable, config.retention, lambda: not stopping.is_set())
        return StalledRuns(
            self._store,
            self._durable,
            self._engine.dispatcher.give_up,
            leads=self._leads,
            versions=self._versions,
            share_halt=self._engine.halts.share if self._database.several else lambda: None,
            purge=purger.purge_expired,
            stopping=stopping,
        )

    def start(self) -> None:
        """Starts the workers before the inputs. Alerts do not wait for Slack: its connection comes last."""
        policy_history.record(self._database, self._engine.policy)
        if self._replica is not None:
            self._replica.register()
        self._sender.start()
        self._engine.dispatcher.end_unreadable_runs()
        self._publish_again()
        self._durable.start(self._engine.dispatcher.advance)
        if self._replica is not None:
            self._replica.start()
        self._stalled_runs.start()
        self._reloader.start()
        self._server.start()
        self._connection.open()

    def _publish_again(self) -> None:
        """Publishes the newest runs again, because the last process may have died before it did.

        The outbox does not send content again that Slack has already.
        """
        for run in reversed(self._store.runs(limit=PUBLISHED_AGAIN)):
            self._engine.publisher.publish(run)

    def stop(self) -> None:
        """Stops the inputs, then the workers, each within its time limit, and closes the store."""
        self._reloader.stop()
        self._server.stop()
        self._connection.close()
        self._stalled_runs.stop()
        self._durable.stop(STOP_WITHIN)
        self._sender.stop()
        if self._replica is not None:
            self._replica.stop()
        self._engine.gatherer.close()
        self._database.close()

    # -- what the parts ask of the bot ----------------------------------------------------------------------------

    def _leads(self) -> bool:
        return self._replica is None or self._replica.leads()

    def _versions(self) -> Collection[str]:
        return self._replica.versions() if self._replica else ()

    def _audit_refusal(self, user: str, entry: str, reason: str) -> None:
        self._store.audit("request.refused", actor=user or "unknown", subject=entry, reason=reason)

    def _audit_runbooks(self, event: str, data: Mapping[str, Any]) -> None:
        self._store.audit(event, actor="firstmate", subject="runbooks", **data)

    def _not_ready(self) -> Sequence[str]:
        if self._connection.connected:
            return []
        return ["Firstmate is not connected to Slack; commands and buttons do not arrive."]

    def _gauges(self) -> Mapping[metrics.Metric, Mapping[str, float]]:
        halted = {halt.scope or "everything": 1.0 for halt in self._engine.halts.every()}
        return {
            metrics.RUNS: {state: float(count) for state, count in self._store.counts().items()},
            metrics.OUTCOMES: {state: float(count) for state, count in self._store.outcomes().items()},
            metrics.MESSAGES: {"waiting": float(self._outbox.waiting())},
            metrics.CONNECTED: {"slack": float(self._connection.connected)},
            metrics.RUNBOOKS: {"in_force": float(len(self.live_library.library.runbooks)), **self._reloader.counts},
            metrics.HALTED: halted or {"everything": 0.0},
        }


def serve(config: Config, *, ready: Callable[[LiveLibrary], None] = lambda _: None) -> None:
    """Runs the bot until SIGTERM or SIGINT; calls `ready` with the runbooks in force once the bot is running.

    Raises errors in the configuration before anything starts, and Busy when other replicas took this one for dead.
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
        raise Busy("The other replicas took this one for dead and have taken over its work. Start it again.")
