"""The action ids of buttons, which Slack sends back."""

from __future__ import annotations

APPROVE, DENY, UNDO = "run.approve", "run.deny", "run.undo"
TAKE, HAND_BACK = "run.take", "run.hand_back"
PAUSE, STOP, GO_ON, RETRY = "run.pause", "run.stop", "run.go_on", "run.retry"
