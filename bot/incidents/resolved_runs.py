"""Which runs of an incident are over once one of its alerts has resolved. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable


def resolved_runs(
    runs: Iterable[tuple[str, bool]], *, answered_by: str | None, firing: Collection[str | None]
) -> list[str]:
    """Returns the runs of an incident that are over once one of its alerts has resolved.

    `runs` are (id, resolved already), `answered_by` is the run of the alert that resolved, and `firing` names the runs
    of the alerts that still fire, None where an alert's run is not known. A run is over when none of its own alerts
    fires; all of them are when no alert of the incident fires.
    """
    return [
        run
        for run, resolved in runs
        if not resolved and (not firing or (run == answered_by and answered_by not in firing))
    ]
