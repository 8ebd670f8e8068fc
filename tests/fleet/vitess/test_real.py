"""The reader, the changer and the inventory on a real cluster; and a vtctld behind TLS that wants to know who asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actions.contract import Unreadable
from actions.vitess_contract import Component, Vitess, alias_record, call
from bot.config import Config, Role, Secret, VtctldSettings, load
from bot.engine.targets import Target
from bot.errors import NotAllowed, Unreachable
from bot.fleet.configured_fleet import ConfiguredFleet
from bot.fleet.vitess.vtctld import Vtctld
from bot.lab import processes
from bot.lab.free_ports import free_ports
from bot.lab.lab_state import LabState
from bot.lab.server_data_directories import HOST
from bot.lab.vitess import cluster_processes
from bot.lab.waiting import wait_until
from tests.certificates import certificate

pytestmark = pytest.mark.vitess


@pytest.fixture
def config(vitess_lab: LabState) -> Config:
    return load(vitess_lab.folder / "firstmate.yml")


@pytest.fixture
def fleet(config: Config) -> Iterator[ConfiguredFleet]:
    found = ConfiguredFleet(config)
    yield found
    found.close()


@pytest.fixture
def primary(fleet: ConfiguredFleet) -> Target:
    wait_until("the shard has a primary", lambda: fleet.find("commerce/-80").instance.role is Role.PRIMARY)
    return fleet.find("commerce/-80")


@pytest.fixture
def vt(fleet: ConfiguredFleet, primary: Target) -> Iterator[Any]:
    with fleet.read(primary.shard, primary.instance, Vitess) as reader:
        yield reader


def test_the_inventory_is_the_topology(fleet: ConfiguredFleet, vitess_lab: LabState, primary: Target):
    assert {(each.name, each.shard.name, each.instance.address) for each in fleet.targets()} == {
        (each.name, each.shard, each.address) for each in vitess_lab.instances
    }
    assert [each.role.value for each in primary.shard.instances].count("primary") == 1
    assert fleet.doubts(primary.shard) == ""


def test_every_source_of_a_shard_is_read(vt: Any, primary: Target):
    assert len(vt.tablets()) == 3
    assert len(vt.tablets(of_keyspace=True)) == 6
    record = vt.rpc("GetShard", keyspace="commerce", shard_name="-80")["shard"]["shard"]["primary_alias"]
    assert record == alias_record(primary.name)
    answers = vt.rpcs("GetFullStatus", [{"tablet_alias": alias_record(each.alias)} for each in vt.tablets()])
    assert all(each.ok for each in answers), answers
    assert vt.web(Component.VTORC, "/debug/health")[0].body["Healthy"] is True
    serving = vt.metrics(Component.VTTABLET, "vttablet_tablet_state")
    assert [each.body[0].samples[0].value for each in serving] == [2.0, 2.0, 2.0]
    assert {row["Shard"] for row in vt.vtgate("SHOW VITESS_TABLETS")} == {"-80", "80-"}
    assert vt.rows("SELECT @@port AS port")[0]["port"] == primary.instance.port
    assert vt.mysql_of(vt.tablets()[0].alias).rows("SELECT 1 AS one") == [{"one": 1}]


def test_a_reader_changes_nothing_and_asks_nothing_that_does(vt: Any):
    with pytest.raises(Unreadable, match="SetWritable"):
        vt.rpc("SetWritable", tablet_alias=alias_record(vt.tablet), writable=False)
    with pytest.raises(Unreadable):
        vt.web(Component.VTORC, "/api/disable-global-recoveries")
    with pytest.raises(Unreadable):
        vt.vtgate("INSERT INTO customer VALUES (1)")


def test_the_identity_of_a_primary_is_its_term(fleet: ConfiguredFleet, vt: Any, primary: Target):
    seen = fleet.identify(vt)
    assert seen.role is Role.PRIMARY
    assert seen.server.startswith(f"{primary.name} at {primary.instance.address}, primary since ")


def test_what_vtctld_refuses_is_told_in_its_words(vt: Any):
    with pytest.raises(Unreadable, match=r"refused GetShard: .*node doesn't exist"):
        vt.rpc("GetShard", keyspace="commerce", shard_name="nowhere")


def test_a_changer_makes_what_actions_make_and_nothing_else(fleet: ConfiguredFleet, primary: Target):
    with fleet.change(primary.shard, primary.instance, Vitess) as changer:
        changer.execute(call("RefreshState", tablet_alias=alias_record(primary.name)), tag="r-1")
        with pytest.raises(NotAllowed, match="DeleteTablets"):
            changer.execute(call("DeleteTablets", tablet_aliases=[alias_record(primary.name)]), tag="r-1")


def test_where_the_cluster_may_only_be_read_nothing_is_changed(config: Config):
    [cluster] = config.vitess
    fleet = ConfiguredFleet(config.model_copy(update={"vitess": (cluster.model_copy(update={"may_change": False}),)}))
    target = fleet.find("commerce/-80")
    assert not target.may_be_changed(Vitess)
    with (
        pytest.raises(NotAllowed, match="is read-only for Firstmate"),
        fleet.change(target.shard, target.instance, Vitess),
    ):
        pass


def test_a_frozen_topology_leaves_the_inventory_and_is_doubted(
    fleet: ConfiguredFleet, vitess_lab: LabState, primary: Target
):
    assert fleet.doubts(primary.shard) == ""
    cluster_processes.freeze(vitess_lab, "etcd")
    try:
        wait_until("the inventory is doubted", lambda: fleet.doubts(primary.shard) != "")
        assert fleet.find("commerce/-80").name == primary.name
        assert "Firstmate changes nothing in the cluster" in fleet.doubts(primary.shard)
    finally:
        cluster_processes.thaw(vitess_lab, "etcd")
    wait_until("the inventory is fresh again", lambda: fleet.doubts(primary.shard) == "")


def test_a_vtctld_that_is_away_is_told_soon_and_not_waited_for_again():
    vtctld = Vtctld(VtctldSettings(address=f"{HOST}:{free_ports(1)[0]}"))
    with pytest.raises(Unreachable, match="does not answer"):
        vtctld.call("GetKeyspaces", {}, timeout=0.3)
    with pytest.raises(Unreachable, match="does not answer"):
        vtctld.call("GetKeyspaces", {}, timeout=60.0)  # somebody has just waited in vain


# -- TLS and static authentication --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guarded(vitess_lab: LabState, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A second vtctld of the cluster, with TLS and static authentication: its address and its certificate."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = certificate(folder, "vtctld")
    logins = folder / "logins.json"
    logins.write_text(json.dumps([{"Username": "firstmate", "Password": "s3cret"}]), encoding="utf-8")
    web, grpc = free_ports(2)
    known = json.loads((vitess_lab.folder / "data" / "vtctld.command.json").read_text(encoding="utf-8"))
    argv = [each for each in known["argv"] if not each.startswith(("--port", "--grpc-port"))]
    argv += [f"--port={web}", f"--grpc-port={grpc}", f"--grpc-cert={cert}", f"--grpc-key={key}"]
    argv += ["--grpc-auth-mode=static", f"--grpc-auth-static-password-file={logins}"]
    cluster_processes.start(vitess_lab.folder, vitess_lab.marker, "vtctld-tls", argv)
    yield f"{HOST}:{grpc}", cert
    processes.stop(vitess_lab.folder, vitess_lab.marker, ["vtctld-tls"])


def settings(address: str, cert: Path, password: Path | None) -> VtctldSettings:
    login = {"user": "firstmate", "password": Secret(file=password)} if password else {}
    return VtctldSettings.model_validate({"address": address, "ca": cert, **login})


def test_a_vtctld_behind_tls_is_asked_with_a_login(guarded: tuple[str, Path], tmp_path: Path):
    address, cert = guarded
    (tmp_path / "right").write_text("s3cret")
    vtctld = Vtctld(settings(address, cert, tmp_path / "right"))

    def answers() -> bool:
        try:
            return "commerce" in str(vtctld.call("GetKeyspaces", {}, timeout=2.0))
        except Unreachable:
            return False

    wait_until("the guarded vtctld answers", answers)


@pytest.mark.parametrize("password", ["wrong", None])
def test_without_the_right_login_it_is_told_that_we_may_not(guarded: tuple[str, Path], tmp_path: Path, password: Any):
    address, cert = guarded
    (tmp_path / "password").write_text(str(password))
    vtctld = Vtctld(settings(address, cert, tmp_path / "password" if password else None))

    def refusal() -> str:
        with pytest.raises(Unreachable) as told:
            vtctld.call("GetKeyspaces", {}, timeout=2.0)
        return str(told.value)

    wait_until("the refusal names the reason", lambda: "denies Firstmate" in refusal() or "username" in refusal())


def test_a_vtctld_with_another_certificate_is_not_believed(guarded: tuple[str, Path], tmp_path: Path):
    address, _ = guarded
    other, _ = certificate(tmp_path, "other")
    with pytest.raises(Unreachable):
        Vtctld(settings(address, other, None)).call("GetKeyspaces", {}, timeout=2.0)
