"""A webhook body of Alertmanager with one firing alert, and the token that it is sent with."""

from __future__ import annotations

from typing import Any

TOKEN = "correct horse"
FIRING: dict[str, Any] = {
    "version": "4",
    "groupKey": "{}",
    "status": "firing",
    "receiver": "firstmate",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "MySQLReplicationStopped", "instance": "127.0.0.1:3308"},
            "annotations": {"summary": "stopped"},
            "startsAt": "2026-03-01T03:00:00.5Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://p/graph?g0.expr=mysql_up",
            "fingerprint": "0123456789abcdef",
        }
    ],
}
