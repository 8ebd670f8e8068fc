"""Watches the folders of runbooks while the bot runs, and tells in Slack what it could not take over."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from bot.engine.mail import Mailbox, Message, Priority
from bot.errors import FirstmateError
from bot.runbook.shelf import Reload, Shelf, summary
from bot.slack.blocks import escape, fenced, section

log = logging.getLogger(__name__)

PAUSE = 2.0
"""Seconds between two looks at the folders; a look reads no file that was not changed."""

Audit = Callable[[str, Mapping[str, Any]], None]


class Reloader:
    """A thread that looks at a shelf; `counts` are its figures for /metrics."""

    def __init__(self, shelf: Shelf, mailbox: Mailbox, audit: Audit, channel: str, *, pause: float = PAUSE) -> None:
        self._shelf = shelf
        self._mailbox = mailbox
        self._audit = audit
        self._channel = channel
        self._pause = pause
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="runbooks", daemon=True)
        self._told = ""
        """Key of the message that tells what is broken; '' while nothing is."""
        self.counts: dict[str, float] = {"broken": 0.0, "reloads": 0.0}

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(5)

    def _watch(self) -> None:
        while not self._stopped.wait(self._pause):
            try:
                self.look()
            except (FirstmateError, OSError):
                log.exception("the runbooks could not be looked at; they stay as they are")

    def look(self) -> Reload | None:
        """Looks once, and tells what is new."""
        found = self._shelf.look()
        if found is None:
            return None
        self.counts["broken"] = float(len({finding.file for finding in found.broken}))
        if found.changed or found.removed:
            self.counts["reloads"] += 1
            log.info("runbooks reloaded: %s; removed: %s", found.changed, found.removed)
            digests = {r.runbook: r.digest for r in self._shelf.library.runbooks if r.runbook in found.changed}
            self._audit("runbooks.reloaded", {"changed": digests, "removed": list(found.removed)})
        if found.broken:
            self._audit("runbooks.broken", {"findings": [str(finding) for finding in found.broken[:20]]})
        self._tell(found)
        return found

    def _tell(self, found: Reload) -> None:
        """One message for each time that something is broken, edited until all is well again."""
        if found.broken:
            self._told = self._told or f"runbooks:{time.time_ns()}"
            says = ":warning: *A runbook is broken, so its last good version stays in force.*"
            text = f"{says}\n```{fenced(summary(found.broken), 2500)}```"
        elif self._told:
            text = f":white_check_mark: All runbooks are good again; in force now: {escape(_named(found))}."
        else:
            return
        payload = {"text": text[:900], "blocks": [section(text)]}
        self._mailbox.put(Message(self._told, self._channel, None, Priority.NEWS, payload))
        if not found.broken:
            self._told = ""


def _named(found: Reload) -> str:
    return ", ".join(found.changed[:10]) or "what was before"
