"""Writes the lab's firstmate.yml and policy.yml, and the secrets that they name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from bot.lab.database_users import CHANGER, READER
from bot.lab.lab_state import LabVitess, Login, write_private
from bot.lab.server_data_directories import FLEET, HOST, spare_port_name
from bot.lab_location import CONFIG

OPERATORS = ("U0ALICE", "U0CAROL", "U0BOB")
APPROVER_GROUP = "S0DBAONCALL"
ADMIN = "U0ALICE"
ALERTS_CHANNEL = "C0DBALERTS"
BILLING_CHANNEL = "C0BILLING"
POLICY = "policy.yml"
_POLICY = {"flapping": {"times": 0}, "budgets": {"action": 1000, "shard": 1000, "fleet": 1000}}
"""Without limits, because a lab is broken and fixed all day."""


def write_secrets(folder: Path, logins: dict[str, Login], tokens: dict[str, str], intake_token: str) -> None:
    """Writes one file per secret into secrets/, with mode 0600."""
    secrets = folder / "secrets"
    for user in (READER, CHANGER):
        write_private(secrets / user, logins[user].password + "\n")
    write_private(secrets / "intake-token", intake_token + "\n")
    for name in ("bot_token", "app_token", "signing_secret"):
        write_private(secrets / name, tokens[name] + "\n")
    write_private(secrets / "workspace.json", json.dumps(tokens) + "\n")


def write_config(folder: Path, ports: dict[str, int], vitess: LabVitess | None = None) -> Path:
    """Writes firstmate.yml and policy.yml for this lab, and returns the path of firstmate.yml."""
    path = folder / CONFIG
    (folder / POLICY).write_text(yaml.safe_dump(_POLICY, sort_keys=False), encoding="utf-8")
    path.write_text(
        "# Written by `firstmate lab up`, which overwrites it on every start.\n"
        + yaml.safe_dump(document(ports, vitess), sort_keys=False),
        encoding="utf-8",
    )
    return path


def document(ports: dict[str, int], vitess: LabVitess | None = None) -> dict[str, Any]:
    """Returns the content of firstmate.yml, with the lab's shards or its Vitess cluster."""
    fleet: dict[str, Any] = (
        {"shards": [], "vitess": [_cluster(vitess)]}
        if vitess
        else {"shards": [_shard(name, ports) for name in dict.fromkeys(plan.shard for plan in FLEET)]}
    )
    return {
        "slack": {
            "mode": "socket",
            "base_url": f"http://{HOST}:{ports['workspace']}/api/",
            "bot_token": _file("bot_token"),
            "app_token": _file("app_token"),
            "signing_secret": _file("signing_secret"),
        },
        "intake": {"host": HOST, "port": ports["webhook"], "token": _file("intake-token")},
        "default_channel": ALERTS_CHANNEL,
        "routes": [
            {"match": ["shard = billing"], "channel": BILLING_CHANNEL},
            {"match": ["cluster = billing"], "channel": BILLING_CHANNEL},
        ],
        "prometheus": {
            "url": f"http://{HOST}:{ports['prometheus']}",
            "alertmanager": f"http://{HOST}:{ports['alertmanager']}",
        },
        "roles": {
            "operator": {"users": list(OPERATORS)},
            "approver": {"usergroups": [APPROVER_GROUP]},
            "admin": {"users": [ADMIN]},
            "break_glass": {"users": [ADMIN]},
        },
        "approvals": {"count": 1, "expires_after": 300},
        "policy": POLICY,
        **fleet,
    }


def _cluster(vitess: LabVitess) -> dict[str, Any]:
    return {
        "name": "lab",
        "vtctld": {"address": vitess.vtctld},
        "vtorcs": [vitess.vtorc],
        "vtgates": [{"url": vitess.vtgate, "mysql": vitess.vtgate_mysql}],
        "reader": {"user": READER, "password": _file(READER)},
        "changer": {"user": CHANGER, "password": _file(CHANGER)},
        "may_change": True,
        "refresh": 1,
    }


def _shard(name: str, ports: dict[str, int]) -> dict[str, Any]:
    plans = [plan for plan in FLEET if plan.shard == name]
    return {
        "name": name,
        "flavour": plans[0].flavour,
        "reader": {"user": READER, "password": _file(READER)},
        "changer": {"user": CHANGER, "password": _file(CHANGER)},
        "instances": [
            {
                "name": plan.name,
                "host": HOST,
                "port": ports[plan.name],
                "spare_port": ports[spare_port_name(plan.name)],
                "role": plan.role,
            }
            for plan in plans
        ],
    }


def _file(name: str) -> dict[str, str]:
    return {"file": f"secrets/{name}"}
