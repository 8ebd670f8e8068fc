"""Assembles the engine from a configuration, for the bot and for commands from the shell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.alerts import ALERTMANAGER
from bot.channel_routes import channel_routes
from bot.config import Config, SlackSettings
from bot.engine.active_halts import Halts
from bot.engine.alert_receiver import AlertReceiver
from bot.engine.approval_expiry import ApprovalExpiry
from bot.engine.dispatcher import Dispatcher
from bot.engine.effect_check import EffectCheck
from bot.engine.fact_collector import Collector
from bot.engine.gather_evidence import Gatherer
from bot.engine.guard_explanation import GuardExplainer
from bot.engine.incident_assignment import AssignmentPublisher, Assignments
from bot.engine.pausing import Pausing
from bot.engine.planner import Planner
from bot.engine.ports import Directory, Fleet, Publisher, Silencer
from bot.engine.role_checks import RoleChecks
from bot.engine.rollout import Rollout
from bot.engine.run_factory import RunFactory
from bot.engine.silencing import Silencing
from bot.engine.triage import Triage
from bot.engine.undo import Undo
from bot.engine.user_commands import Commands
from bot.engine.vtorc_repairs import VtorcRepairs
from bot.errors import ConfigError
from bot.fleet.alertmanager_silences import AlertmanagerSilencer
from bot.fleet.session_settings import LONGEST_IDLE
from bot.policy import Policy, load_policy
from bot.runbook.library.live_library import LiveLibrary
from bot.slack.connection import installation_of, web_client
from bot.slack.user_directory import SlackDirectory
from bot.store.run_store import RunStore

HALT_FILE = "HALT"
"""While this file is in the data folder, nothing is changed: `echo REASON > HALT` works without Slack."""
IN_FLIGHT = LONGEST_IDLE + 2.0
"""Seconds after which no statement can arrive any more from a replica of the bot that was taken for dead."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The parts of the engine that its callers use."""

    fleet: Fleet
    store: RunStore
    policy: Policy
    publisher: Publisher
    halts: Halts
    roles: RoleChecks
    gatherer: Gatherer
    run_factory: RunFactory
    triage: Triage
    rollout: Rollout
    effects: EffectCheck
    explainer: GuardExplainer
    commands: Commands
    dispatcher: Dispatcher
    receiver: AlertReceiver


def assemble(
    config: Config, store: RunStore, fleet: Fleet, directory: Directory, publisher: Publisher, live_library: LiveLibrary
) -> Engine:
    """Returns the engine on these adapters; raises ConfigError for routes or a policy that cannot be used."""
    publisher = AssignmentPublisher(store, publisher)
    policy = load_policy(config.policy)
    halts = Halts(store, config.data / HALT_FILE)
    roles = RoleChecks(directory, store)
    collector = Collector(fleet, store, directory, halts, VtorcRepairs(fleet), config.autonomy, policy)
    gatherer = Gatherer(fleet)
    planner = Planner(fleet, gatherer, lambda name: live_library.library.find(name))
    run_factory = RunFactory(live_library, fleet, store, config.approvals, channel_routes(config))
    undo = Undo(fleet, store, publisher, halts)
    triage = Triage(fleet, store, publisher, collector, gatherer, planner, config.approvals.expires_after)
    in_flight = IN_FLIGHT if store.database.several else 0.0
    effects = EffectCheck(fleet, store, publisher, gatherer)
    rollout = Rollout(fleet, store, publisher, collector, planner, undo, effects, in_flight=in_flight)
    expiry = ApprovalExpiry(store, publisher)
    assignments = Assignments(store, publisher, Silencing(_silencers(config)))
    pausing = Pausing(store, publisher)
    return Engine(
        fleet=fleet,
        store=store,
        policy=policy,
        publisher=publisher,
        halts=halts,
        roles=roles,
        gatherer=gatherer,
        run_factory=run_factory,
        triage=triage,
        rollout=rollout,
        effects=effects,
        explainer=GuardExplainer(fleet, directory, collector, planner, run_factory),
        commands=Commands(fleet, store, roles, run_factory, triage, assignments, halts, pausing),
        dispatcher=Dispatcher(store, publisher, triage, expiry, rollout, effects, undo, assignments, pausing),
        receiver=AlertReceiver(run_factory, fleet, store),
    )


def slack_settings(config: Config) -> SlackSettings:
    """Returns the settings of Slack; raises ConfigError when there are none."""
    if config.slack is None:
        raise ConfigError(
            "firstmate.yml has no `slack` section, so Firstmate cannot connect to Slack. Create the app and write its "
            "tokens as docs/install.md (Slack app, Configuration) shows, then run `firstmate doctor`."
        )
    return config.slack


def slack_directory(config: Config) -> Directory:
    """Returns the directory of the workspace; raises ConfigError, or Unreachable when Slack does not answer."""
    client = web_client(slack_settings(config))
    return SlackDirectory(client, config.roles, installation_of(client).team)


def _silencers(config: Config) -> Mapping[str, Silencer]:
    """Returns where the alerts of each source are silenced."""
    url = config.prometheus.alertmanager if config.prometheus else None
    return {ALERTMANAGER: AlertmanagerSilencer(url)} if url else {}
