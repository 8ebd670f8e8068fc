"""Queues the messages of a run in the outbox."""

from __future__ import annotations

from bot.engine.outbox_port import Outbox
from bot.engine.run import Run
from bot.slack.run_messages import render


class SlackPublisher:
    """Implements bot.engine.ports.Publisher: renders a run as messages and puts them into the outbox."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def publish(self, run: Run) -> None:
        for message in render(run):
            self._outbox.put(message)
