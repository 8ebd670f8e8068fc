"""Refuses the changes of a runbook with `autonomy: observe`."""

from __future__ import annotations

from bot.guards.facts import AUTOMATIC, Answer, Facts, Verdict


def judge(facts: Facts) -> Verdict:
    """Passes a runbook that may suggest changes. One with `auto` acts without approval for alerts, never for people."""
    match facts.autonomy:
        case "observe":
            says = "This runbook may only name causes (`autonomy: observe`). Make the change by hand."
            return Verdict("autonomy", Answer.REFUSE, says)
        case "auto" if facts.caller == AUTOMATIC:
            return Verdict("autonomy", Answer.PASS, "This runbook may act without approval for an alert.")
        case _:
            return Verdict("autonomy", Answer.PASS, "The runbook suggests changes; a person approves them.")
