"""Reloads changed runbooks while the bot runs, and reports broken files to Slack."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from bot.engine.outbox_port import Message, Outbox, Priority
from bot.errors import FirstmateError
from bot.runbook.library.live_library import LiveLibrary, Reload, summary
from bot.slack.blocks import escape, fenced, section

log = logging.getLogger(__name__)

PAUSE = 2.0
"""Seconds between two checks of the folders; a check reads only changed files."""

Audit = Callable[[str, Mapping[str, Any]], None]


class Reloader:
    """A thread that checks the folders of a LiveLibrary; `counts` are its values for /metrics."""

    def __init__(
        self, live_library: LiveLibrary, outbox: Outbox, audit: Audit, channel: str, *, pause: float = PAUSE
    ) -> None:
        self._live_library = live_library
        self._outbox = outbox
        self._audit = audit
        self._channel = channel
        self._pause = pause
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="runbooks", daemon=True)
        self._told = ""
        """Key of the message about broken files; '' while there are none."""
        self._unsure: Reload | None = Reload((), (), live_library.broken) if live_library.broken else None
        """What was broken at the last check."""
        self.counts: dict[str, float] = {
            "broken": float(len({each.file for each in live_library.broken})),
            "reloads": 0.0,
        }

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(5)

    def _watch(self) -> None:
        while not self._stopped.wait(self._pause):
            try:
                self.check()
            except (FirstmateError, OSError):
                log.exception("the folders of runbooks could not be checked; the runbooks in force stay as they are")

    def check(self) -> Reload | None:
        """Checks once. Reports a broken file only when it is still broken at the next check.

        An editor or a checkout may not have finished writing it.
        """
        found = self._live_library.refresh()
        if found is None:
            found, self._unsure = self._unsure, None
            if found is not None:
                self._tell_broken(found)
            return None
        self.counts["broken"] = float(len({finding.file for finding in found.broken}))
        if found.changed or found.removed:
            self.counts["reloads"] += 1
            log.info("runbooks reloaded: %s; removed: %s", found.changed, found.removed)
            digests = {r.runbook: r.digest for r in self._live_library.library.runbooks if r.runbook in found.changed}
            self._audit("runbooks.reloaded", {"changed": digests, "removed": list(found.removed)})
        self._unsure = found if found.broken else None
        if not found.broken and self._told:
            text = f":white_check_mark: All runbooks are valid again; now in force: {escape(_named(found))}."
            self._put(text)
            self._told = ""
        return found

    def _tell_broken(self, found: Reload) -> None:
        """Publishes one message about the broken files, which is edited until all files are valid again."""
        self._audit("runbooks.broken", {"findings": [str(finding) for finding in found.broken[:20]]})
        self._told = self._told or f"runbooks:{time.time_ns()}"
        says = ":warning: *A runbook file has errors. Its last valid version, if any, stays in force.*"
        self._put(f"{says}\n```{fenced(summary(found.broken), 2500)}```")

    def _put(self, text: str) -> None:
        payload = {"text": text[:900], "blocks": [section(text)]}
        self._outbox.put(Message(self._told, self._channel, None, Priority.NEWS, payload))


def _named(found: Reload) -> str:
    return ", ".join(found.changed[:10]) or "the same versions as before"
