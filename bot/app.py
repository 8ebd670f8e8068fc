"""The composition root: where adapters meet the engine. Nothing else knows all of them."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from bot.alerts import Alert, parse_matcher
from bot.config import Config, SlackSettings
from bot.engine.engine import Engine
from bot.engine.facts import Collector
from bot.engine.gather import Gatherer
from bot.engine.ports import Desk, Directory
from bot.engine.remedy import Remedy
from bot.engine.triage import Triage
from bot.errors import ConfigError
from bot.fleet.fleet import ConfiguredFleet
from bot.intake.http import Door
from bot.intake.metrics import Metrics
from bot.runbook.load import Library, load_folders, shipped_folder
from bot.slack.connect import Connection, connect
from bot.slack.directory import SlackDirectory
from bot.slack.outbox import Sender, SlackDesk
from bot.store.database import Database
from bot.store.durable import Durable, SegmentQueue
from bot.store.mailbox import StoredMailbox
from bot.store.runs import RunStore

log = logging.getLogger(__name__)

STOP_WITHIN = 10.0
"""Seconds that a stop may take: what is under way is finished, what waits stays in the store."""


def channel_table(config: Config) -> Callable[[Alert], str]:
    """Returns the function that routes an alert to its channel: the first route whose matchers all hold, else the
    default. Raises ConfigError for a matcher that does not parse."""
    table = [([parse_matcher(text) for text in route.match], route.channel) for route in config.routes]

    def route(alert: Alert) -> str:
        for matchers, channel in table:
            if all(matcher.accepts(alert.labels.get(matcher.name, "")) for matcher in matchers):
                return channel
        return config.default_channel

    return route


def library(config: Config) -> Library:
    """The runbooks of the configured folders, or the shipped ones; raises RunbookError."""
    return load_folders(config.runbooks or (shipped_folder(),))


def engine_on(
    config: Config, store: RunStore, fleet: ConfiguredFleet, directory: Directory, desk: Desk, runbooks: Library
) -> Engine:
    """Puts the engine together."""
    collector = Collector(fleet, store, directory)
    triage = Triage(fleet, store, desk, collector, Gatherer(fleet), config.approvals.expires_after)
    return Engine(
        library=runbooks,
        fleet=fleet,
        store=store,
        directory=directory,
        triage=triage,
        remedy=Remedy(fleet, store, desk, collector),
        approvals=config.approvals,
        channel_of=channel_table(config),
    )


def open_store(config: Config, queue: Callable[[Database], SegmentQueue]) -> tuple[Database, RunStore]:
    """Opens the store for writing; raises Busy when another process holds it."""
    database = Database(config.data)
    return database, RunStore(database, queue(database))
