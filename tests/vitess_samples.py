"""A cluster of Vitess as the configuration has it."""

from __future__ import annotations

from bot.config import VitessCluster

CLUSTER = VitessCluster.model_validate(
    {
        "name": "lab",
        "vtctld": {"address": "127.0.0.1:15999"},
        "vtorcs": ["http://127.0.0.1:16000"],
        "vtgates": [{"url": "http://127.0.0.1:15001", "mysql": "127.0.0.1:15306"}],
        "reader": {"user": "reader", "password": {"env": "NONE"}},
        "changer": {"user": "changer", "password": {"env": "NONE"}},
        "may_change": True,
    }
)
