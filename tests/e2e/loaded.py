"""What a bot has done at its start, done once for all bots that are forked off: the shipped runbooks are read."""

from __future__ import annotations

from bot.runbook.load import shipped_folder
from bot.runbook.shelf import Shelf

Shelf((shipped_folder(),), shipped_folder()).whole()
