"""What a bot has done at its start, done once for all bots that are forked off: the shipped runbooks are read."""

from __future__ import annotations

from bot.runbook.library.live_library import LiveLibrary
from bot.runbook.library.load_runbooks import shipped_folder

LiveLibrary((shipped_folder(),), shipped_folder()).require_valid()
