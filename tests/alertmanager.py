"""The lab's Alertmanager, asked directly: what it really holds, past the code under test."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from bot.lab.lab_state import LabState


def alertmanager(lab: LabState, path: str, document: object = None) -> Any:
    data = None if document is None else json.dumps(document).encode()
    url = f"{lab.urls.alertmanager}/api/v2/{path}"
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        body = answer.read()
        return json.loads(body) if body else None
