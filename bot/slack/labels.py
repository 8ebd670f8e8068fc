"""What buttons and states are called: the ids that Slack sends back, and the words that people read."""

from __future__ import annotations

from bot.engine.run import RunState

APPROVE, DENY, UNDO = "run.approve", "run.deny", "run.undo"
TAKE, HAND_BACK = "run.take", "run.hand_back"
PAUSE, STOP, GO_ON, RETRY = "run.pause", "run.stop", "run.go_on", "run.retry"

STATE = {
    RunState.TRIAGING: "Looking",
    RunState.WAITING: "Waits for approval",
    RunState.APPROVED: "Approved",
    RunState.CHANGING: "Changing now",
    RunState.PAUSED: "Paused",
    RunState.DIAGNOSED: "Diagnosed",
    RunState.REFUSED: "Not changed",
    RunState.DENIED: "Denied",
    RunState.EXPIRED: "Expired",
    RunState.RESOLVED: "Resolved by itself",
    RunState.MENDED: "Mended and verified",
    RunState.FAILED: "Failed",
    RunState.UNKNOWN: "Unknown: look at it",
    RunState.UNDONE: "Undone",
}
