"""Silences an alert at its own source while a person works on the incident."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.alerts import ALERTMANAGER
from bot.engine.ports import Silencer
from bot.engine.run import Assignment, Run
from bot.errors import FirstmateError
from bot.runbook.library.load_runbooks import parse

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Silencing:
    """Silences alerts and ends silences. An alert of a source without a silencer is never silenced elsewhere."""

    silencers: Mapping[str, Silencer]
    """Source of alerts -> the silencer of that source."""

    def silence(self, run: Run, assignment: Assignment) -> Assignment:
        """Returns the assignment with a silence, if the runbook asks for one; a failure is told in `says`."""
        seconds = parse(run.runbook_text, run.runbook).silence if run.runbook_text else None
        if seconds is None or run.alert is None:
            return assignment
        silencer = self._silencer(run)
        if silencer is None:
            return replace(assignment, says=_not_silenced(run.alert.source))
        try:
            why = f"{run.alert.name}: a person works on it (run {run.id})"
            silence = silencer.silence(run.alert.labels, seconds=seconds, by=assignment.user, why=why)
        except FirstmateError as error:
            return replace(assignment, says=f"Not silenced: {error}")
        return replace(assignment, silence=silence, until=assignment.since + timedelta(seconds=seconds))

    def end(self, run: Run, assignment: Assignment | None) -> None:
        """Ends the silence of an assignment. A silence that cannot be ended now expires by itself."""
        silencer = self._silencer(run)
        if assignment is None or not assignment.silence or silencer is None:
            return
        try:
            silencer.end(assignment.silence)
        except FirstmateError as error:
            log.warning("silence %s cannot be ended and expires at %s: %s", assignment.silence, assignment.until, error)

    def has_ended(self, run: Run) -> bool:
        """Returns whether the source reports that the run's alert no longer fires; False if it does not answer."""
        silencer = self._silencer(run)
        if silencer is None or run.alert is None:
            return False
        try:
            return not silencer.fires(run.alert.labels)
        except FirstmateError as error:
            log.warning("it is unknown whether the alert of run %s still fires: %s", run.id, error)
            return False

    def _silencer(self, run: Run) -> Silencer | None:
        return self.silencers.get(run.alert.source) if run.alert is not None else None


def _not_silenced(source: str) -> str:
    """Returns why an alert of a source without a silencer is not silenced."""
    if source == ALERTMANAGER:
        return "Not silenced: prometheus.alertmanager is not set in firstmate.yml."
    return f"Not silenced: Firstmate cannot silence alerts from {source or 'an unknown source'}; silence it there."
