"""Refuses the changes of a runbook that only observes."""

from __future__ import annotations

from bot.guards.facts import AUTOMATIC, Answer, Facts, Verdict


def judge(facts: Facts) -> Verdict:
    """Passes a runbook that may suggest; one that may act by itself does so for an alert, never for a person."""
    match facts.autonomy:
        case "observe":
            says = "The runbook names the cause and changes nothing (`autonomy: observe`); do it by hand."
            return Verdict("autonomy", Answer.REFUSE, says)
        case "auto" if facts.caller == AUTOMATIC:
            return Verdict("autonomy", Answer.PASS, "The runbook may act by itself here, and an alert asked.")
        case _:
            return Verdict("autonomy", Answer.PASS, "The runbook suggests; a person decides.")
