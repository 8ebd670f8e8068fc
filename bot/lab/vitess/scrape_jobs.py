"""The Prometheus scrape jobs of the cluster."""

from __future__ import annotations

from typing import Any

from bot.lab.lab_state import LabVitess

TARGETS = {"vttablet": 6, "vtgate": 1, "vtorc": 1, "vtctld": 1, "etcd": 1}
"""Job -> number of targets."""


def jobs(vitess: LabVitess) -> tuple[dict[str, Any], ...]:
    """Returns the scrape jobs of Vitess's own programs.

    The metrics of a tablet do not identify it, so its target has the labels; a metric's own label of the same name,
    such as `shard`, takes precedence.
    """
    tablets = [
        {
            "targets": [f"127.0.0.1:{tablet.http_port}"],
            "labels": {"tablet_alias": tablet.alias, "keyspace": vitess.keyspace, "shard": tablet.shard},
        }
        for tablet in vitess.tablets
    ]
    singles = {"vtgate": vitess.vtgate, "vtorc": vitess.vtorc, "vtctld": vitess.vtctld_url, "etcd": vitess.etcd}
    return (
        {"job_name": "vttablet", "honor_labels": True, "static_configs": tablets},
        *(
            {"job_name": name, "static_configs": [{"targets": [url.removeprefix("http://")]}]}
            for name, url in singles.items()
        ),
    )
