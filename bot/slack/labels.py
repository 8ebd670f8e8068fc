"""The action ids of buttons, which Slack sends back, and the labels of run states."""

from __future__ import annotations

from bot.engine.run import RunState

APPROVE, DENY, UNDO = "run.approve", "run.deny", "run.undo"
TAKE, HAND_BACK = "run.take", "run.hand_back"
PAUSE, STOP, GO_ON, RETRY = "run.pause", "run.stop", "run.go_on", "run.retry"

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
