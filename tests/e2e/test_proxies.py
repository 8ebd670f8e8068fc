"""A replica of the lab goes out of service at a stand-in for ProxySQL: real servers, the real store, all guards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bot.lab.lab_state import LabState
from bot.lab.proxysql.admin import Admin
from bot.lab.proxysql.server import ADMIN, PASSWORDS, STATS, ProxySQLServer
from tests.e2e.lab_bot import REPLICA, variant
from tests.proxysql_fixture import READERS, WRITERS
from tests.shell import Said, firstmate

pytestmark = pytest.mark.lab

RUNBOOK = """
runbook: own/old-rows
title: A replica is to be left alone
owner: me
match: [alertname = "ReplicaToRest"]
gather:
  replica: mysql.replica_status
  proxies: {use: proxysql.backends, on: proxies, with: {server: "{{ target.address }}"}}
causes:
  - id: served
    when: replica.running and proxies | where("serves") | length > 0
    says: It is served by {{ proxies | length | plural("proxy", "proxies") }}.
    remedy: drain
remedies:
  drain:
    use: proxysql.drain_server
    on: proxies
    with:
      host: '{{ (proxies | first).backends[0].host }}'
      port: '{{ (proxies | first).backends[0].port }}'
"""


@pytest.fixture
def proxy(lab: LabState) -> Iterator[ProxySQLServer]:
    servers = [
        (WRITERS if each.role == "primary" else READERS, each.host, each.port)
        for each in lab.instances
        if each.shard == "orders"
    ]
    with ProxySQLServer(Admin(servers, [(WRITERS, READERS)])) as server:
        yield server


@pytest.fixture
def config(lab: LabState, proxy: ProxySQLServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROXY_STATS", PASSWORDS[STATS])
    monkeypatch.setenv("PROXY_ADMIN", PASSWORDS[ADMIN])
    runbook = tmp_path / "runbooks/own/old-rows.yml"
    runbook.parent.mkdir(parents=True)
    runbook.write_text(RUNBOOK, encoding="utf-8")
    shards = yaml.safe_load(lab.config.read_text(encoding="utf-8"))["shards"]
    orders = next(each for each in shards if each["name"] == "orders")
    orders["proxies"] = {
        "reader": {"user": STATS, "password": {"env": "PROXY_STATS"}},
        "changer": {"user": ADMIN, "password": {"env": "PROXY_ADMIN"}},
        "instances": [{"name": "orders-proxy-1", "host": "127.0.0.1", "port": proxy.port}],
    }
    return variant(lab, f"proxies-{tmp_path.name}", shards=shards, runbooks=[str(tmp_path / "runbooks")])


def run(lab: LabState, config: Path, *arguments: object) -> Said:
    alert = config.with_suffix(".alert.json")
    labels = {"alertname": "ReplicaToRest", "instance": lab.instance(REPLICA).address}
    alert.write_text(json.dumps({"labels": labels}), encoding="utf-8")
    return firstmate("run", "--alert", alert, "--config", config, "--json", *arguments)


def test_it_is_planned_judged_drained_and_verified(lab: LabState, proxy: ProxySQLServer, config: Path):
    replica = lab.instance(REPLICA)
    server = (READERS, replica.host, replica.port)
    found = run(lab, config).json
    where = f"hostname = '{replica.host}' AND port = {replica.port} AND hostgroup_id IN (20)"
    assert found["plan"]["statements"] == [
        f"UPDATE mysql_servers SET status = 'OFFLINE_SOFT' WHERE {where}",
        "LOAD MYSQL SERVERS TO RUNTIME",
    ]
    assert found["plan"]["blast_radius"] == f"1 of 1 proxies of orders and {replica.address} out of service"
    said = {each["guard"]: each["says"] for each in found["guards"]}
    assert said["serving_floor"] == "2 replicas of orders serve; the plan takes 1 out of service; 1 must stay."
    assert said["blast_radius"].startswith("The plan changes 1 of 2 replicas of orders")
    assert said["target"].startswith("orders-proxy-1 is a proxy: it is the admin interface of proxysql 2.7.3")
    assert proxy.admin.status(server) == "ONLINE"
    assert {kind for kind, _ in proxy.admin.received} == {"stats"}

    mended = run(lab, config, "--remedy", "drain")
    assert (mended.code, mended.json["state"]) == (0, "mended")
    assert "OFFLINE_SOFT in hostgroup 20" in mended.json["says"]
    assert proxy.admin.status(server) == "OFFLINE_SOFT"
    assert firstmate("audit", "verify", "--config", config).code == 0

    again = run(lab, config).json
    assert again["remedy"] is None  # it is not served any more


def test_what_the_guards_would_say_can_be_asked_before(lab: LabState, proxy: ProxySQLServer, config: Path):
    primary = next(each for each in lab.instances if each.shard == "orders" and each.role == "primary")
    asked = ("--action", "proxysql.drain_server", "--user", "U0ALICE", "--config", config, "--json")
    said = firstmate("policy", "explain", "--target", "orders-proxy-1", *asked, "--with", f"host={primary.host}",
                     "--with", f"port={primary.port}")  # fmt: skip
    assert said.code == 1
    serving = next(each for each in said.json["guards"] if each["guard"] == "serving_floor")
    assert "a primary of orders according to the inventory" in serving["says"]
    elsewhere = firstmate("policy", "explain", "--target", REPLICA, *asked, "--with", "host=x")
    assert elsewhere.code == 1
    assert f"is for proxies, and {REPLICA} is a replica" in elsewhere.out
    assert {kind for kind, _ in proxy.admin.received} <= {"stats"}


def test_a_look_at_a_proxy_is_recorded_without_its_names(lab: LabState, config: Path, tmp_path: Path):
    assert run(lab, config).code == 0
    case = tmp_path / "case.yml"
    said = firstmate("record", "--alert", config.with_suffix(".alert.json"), "--config", config, "--out", case)
    assert said.code == 0
    text = case.read_text(encoding="utf-8")
    assert "orders-proxy-1" not in text
    assert lab.instance(REPLICA).address not in text
