"""The labels of run states on cards."""

from __future__ import annotations

from bot.engine.run import RunState

STATE = {
    RunState.TRIAGING: "Investigating",
    RunState.WAITING: "Waiting for approval",
    RunState.APPROVED: "Approved",
    RunState.CHANGING: "Change in progress",
    RunState.PAUSED: "Paused",
    RunState.DIAGNOSED: "Diagnosed",
    RunState.REFUSED: "Not changed",
    RunState.DENIED: "Denied",
    RunState.EXPIRED: "Expired",
    RunState.RESOLVED: "Resolved without a change",
    RunState.MENDED: "Fixed and verified",
    RunState.FAILED: "Failed",
    RunState.UNKNOWN: "Outcome unknown: check the server",
    RunState.UNDONE: "Undone",
}
