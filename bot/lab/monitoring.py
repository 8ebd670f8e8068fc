"""Configuration files and command lines of Prometheus, Alertmanager and the exporters.

One mysqld_exporter serves all database servers. The alert rules name two families of metrics, because the exporter
takes their names from the columns of SHOW REPLICA STATUS: replica and source since MySQL 8.4, slave and master before
it and in MariaDB.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from bot.lab.lab_state import LabInstance, Login, write_private
from bot.lab.server_programs import ServerPrograms

HOST = "127.0.0.1"

_PRIMARY = "unless on (instance) (mysql_global_variables_read_only == 1)"


def rules() -> dict[str, Any]:
    """Returns the alert rules of the lab."""
    stopped = " or ".join(
        f"mysql_slave_status_{family}_{thread}_running == 0"
        for family in ("replica", "slave")
        for thread in ("sql", "io")
    )
    lag = "mysql_slave_status_seconds_behind_source > 5 or mysql_slave_status_seconds_behind_master > 5"
    connections = "mysql_global_status_threads_connected / mysql_global_variables_max_connections > 0.85"
    blocked = (
        f"((mysql_global_status_innodb_row_lock_current_waits > 0) {_PRIMARY})"
        " or sum by (instance, cluster, shard, flavour, job)"
        ' (mysql_info_schema_processlist_threads{state="waiting_for_table_metadata_lock"}) > 0'
    )
    return {
        "groups": [
            {
                "name": "mysql",
                "rules": [
                    rule("MySQLReplicationStopped", stopped, "1s", "critical", "Replication on {{i}} has stopped"),
                    rule("MySQLReplicationLag", lag, "2s", "warning", "{{i}} is {{v}} s behind its source"),
                    rule(
                        "MySQLTooManyConnections", connections, "2s", "critical", "{{i}} is running out of connections"
                    ),
                    rule("MySQLBlockedWrites", blocked, "2s", "critical", "Sessions on {{i}} wait for locks"),
                ],
            }
        ]
    }


def rule(name: str, expression: str, pending: str, severity: str, summary: str) -> dict[str, Any]:
    """Returns an alert rule; in its summary {{i}} stands for the label `instance` and {{v}} for the value."""
    text = summary.replace("{{i}}", "{{ $labels.instance }}").replace("{{v}}", "{{ $value }}")
    return {
        "alert": name,
        "expr": expression,
        "for": pending,
        "labels": {"severity": severity},
        "annotations": {"summary": text},
    }


def exporter(folder: Path, programs: ServerPrograms, port: int, login: Login) -> list[str]:
    """Writes the exporter's login and returns its command line; Prometheus passes the target with each request."""
    settings = folder / "secrets" / "exporter.cnf"
    write_private(settings, f"[client]\nuser={login.user}\npassword={login.password}\n")
    return [
        *programs.mysqld_exporter.argv,
        f"--web.listen-address={HOST}:{port}",
        f"--config.my-cnf={settings}",
        "--collect.info_schema.processlist",
        "--log.level=warn",
    ]


def node_exporter(programs: ServerPrograms, port: int) -> list[str]:
    """Returns the command line of the exporter for this host."""
    return [*programs.node_exporter.argv, f"--web.listen-address={HOST}:{port}", "--log.level=warn"]


def mysql_job(instances: Sequence[LabInstance], ports: dict[str, int]) -> dict[str, Any]:
    """Returns the scrape job for all database servers, through the one exporter."""
    return {
        "job_name": "mysql",
        "metrics_path": "/probe",
        "params": {"collect[]": ["global_status", "global_variables", "slave_status", "info_schema.processlist"]},
        "static_configs": [
            {
                "targets": [instance.address],
                "labels": {
                    "cluster": instance.shard,
                    "shard": instance.shard,
                    "flavour": instance.flavour,
                    "__spare": f"{instance.host}:{instance.spare_port}",
                },
            }
            for instance in instances
        ],
        "relabel_configs": [
            # The exporter connects to the spare port, which accepts it when all connections are taken.
            {"source_labels": ["__address__"], "target_label": "instance"},
            {"source_labels": ["__spare"], "target_label": "__param_target"},
            {"target_label": "__address__", "replacement": f"{HOST}:{ports['exporter']}"},
        ],
    }


def node_job(ports: dict[str, int]) -> dict[str, Any]:
    """Returns the scrape job for this host."""
    return {"job_name": "node", "static_configs": [{"targets": [f"{HOST}:{ports['node']}"]}]}


def prometheus(
    folder: Path,
    programs: ServerPrograms,
    ports: dict[str, int],
    jobs: Sequence[dict[str, Any]],
    rules: dict[str, Any],
    scrape_seconds: int,
) -> list[str]:
    """Writes the configuration and rules of Prometheus, and returns its command line."""
    home = folder / "data" / "prometheus"
    home.mkdir(parents=True)
    settings = {
        "global": {
            "scrape_interval": f"{scrape_seconds}s",
            "scrape_timeout": f"{scrape_seconds}s",
            "evaluation_interval": "1s",
        },
        "rule_files": [str(home / "rules.yml")],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"{HOST}:{ports['alertmanager']}"]}]}]},
        "scrape_configs": list(jobs),
    }
    _write(home / "prometheus.yml", settings)
    _write(home / "rules.yml", rules)
    address = f"{HOST}:{ports['prometheus']}"
    return [
        *programs.prometheus.argv,
        f"--config.file={home / 'prometheus.yml'}",
        f"--storage.tsdb.path={home / 'tsdb'}",
        "--storage.tsdb.retention.time=1d",
        f"--web.listen-address={address}",
        f"--web.external-url=http://{address}",
        "--log.level=warn",
    ]


def alertmanager(folder: Path, programs: ServerPrograms, ports: dict[str, int], webhook: str) -> list[str]:
    """Writes Alertmanager's configuration, with the bot's bearer token, and returns its command line."""
    home = folder / "data" / "alertmanager"
    home.mkdir(parents=True)
    settings = {
        "route": {
            "receiver": "firstmate",
            "group_by": ["alertname", "cluster", "keyspace", "shard"],
            "group_wait": "0s",
            "group_interval": "1s",
            "repeat_interval": "4h",
        },
        "receivers": [
            {
                "name": "firstmate",
                "webhook_configs": [
                    {
                        "url": webhook,
                        "send_resolved": True,
                        "http_config": {
                            "authorization": {
                                "type": "Bearer",
                                "credentials_file": str(folder / "secrets" / "intake-token"),
                            }
                        },
                    }
                ],
            }
        ],
    }
    _write(home / "alertmanager.yml", settings)
    address = f"{HOST}:{ports['alertmanager']}"
    return [
        *programs.alertmanager.argv,
        f"--config.file={home / 'alertmanager.yml'}",
        f"--storage.path={home}",
        f"--web.listen-address={address}",
        f"--web.external-url=http://{address}",
        "--cluster.listen-address=",
        "--log.level=warn",
    ]


def _write(path: Path, document: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
