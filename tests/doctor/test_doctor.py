"""`firstmate doctor` on the servers of the lab."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.lab.connections import administrator, ask
from bot.lab.database_users import CHANGER, READER
from bot.lab.fault_injection.inject import inject_fault
from bot.lab.lab_state import LabState
from bot.lab.waiting import wait_until
from tests.shell import Said, firstmate

pytestmark = pytest.mark.lab

SHARDS = {"orders": ("orders-1", "orders-2", "orders-3"), "billing": ("billing-1", "billing-2", "billing-3")}
CASES = [
    pytest.param("orders-1", READER, "XA_RECOVER_ADMIN ON *.*", "mysql.prepared_transactions", id="mysql reader"),
    pytest.param("orders-1", CHANGER, "BINLOG_ADMIN ON *.*", "mysql.purge_binary_logs", id="mysql changer"),
    pytest.param("billing-1", READER, "SLAVE MONITOR ON *.*", "mysql.replica_status", id="mariadb reader"),
    pytest.param("billing-1", CHANGER, "READ_ONLY ADMIN ON *.*", "mysql.set_read_only", id="mariadb changer"),
    pytest.param(
        "orders-1", READER, "SELECT ON performance_schema.*", "mysql.statement_digests", id="performance_schema"
    ),
]
Configure = Callable[[Callable[[dict[str, Any]], None]], Path]


@pytest.fixture
def configure(lab: LabState) -> Iterator[Configure]:
    """Writes variants of the lab's configuration."""
    made: list[Path] = []

    def make(change: Callable[[dict[str, Any]], None]) -> Path:
        document = yaml.safe_load(lab.config.read_text(encoding="utf-8"))
        change(document)
        path = lab.config.with_name(f"firstmate-doctor-{len(made)}.yml")
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        made.append(path)
        return path

    yield make
    for path in made:
        path.unlink()


def doctor(config: Path, *arguments: str) -> Said:
    return firstmate("doctor", "--config", config, "--json", *arguments)


def instance(said: Said, name: str) -> dict[str, Any]:
    [found] = [each for shard in said.json["shards"] for each in shard["instances"] if each["instance"] == name]
    return dict(found)


def user(said: Said, name: str, kind: str) -> dict[str, Any]:
    [found] = [each for each in instance(said, name)["users"] if each["user"] == kind]
    return dict(found)


def run(lab: LabState, name: str, *statements: str) -> None:
    with administrator(lab.instance(name)) as admin:
        for statement in statements:
            ask(admin, statement)


def grants_of(lab: LabState, name: str, account: str) -> list[str]:
    with administrator(lab.instance(name)) as admin:
        return sorted(str(next(iter(row.values()))) for row in ask(admin, f"SHOW GRANTS FOR '{account}'@'%'"))


def arrived(lab: LabState, name: str, account: str) -> None:
    """Waits until the replicas of a primary have its grants."""
    shard = next(shard for shard, names in SHARDS.items() if name in names)
    for replica in SHARDS[shard][1:]:
        wait_until(
            f"{replica} has the grants of {name}",
            lambda replica=replica: grants_of(lab, replica, account) == grants_of(lab, name, account),  # type: ignore[misc]
        )


@contextmanager
def changed(lab: LabState, name: str, account: str, there: str, back: str) -> Iterator[None]:
    """Changes a user's privileges on a primary, and reverts the change at the end."""
    with ExitStack() as ends:
        run(lab, name, there)
        ends.callback(arrived, lab, name, account)
        ends.callback(run, lab, name, back)
        arrived(lab, name, account)
        yield


def test_a_healthy_fleet_has_no_problems(lab: LabState):
    said = doctor(lab.config)
    assert said.code == 0, said.out
    found = said.json
    assert (found["ok"], found["only_reads"], found["grants"], found["revokes"]) == (True, False, [], [])
    for name in (*SHARDS["orders"], *SHARDS["billing"]):
        here = instance(said, name)
        assert here["problems"] == []
        assert here["version"] == f"{lab.instance(name).flavour} {lab.instance(name).version}"
        assert here["role"]["server"] == lab.instance(name).role
        assert here["spare_port"] == {"port": lab.instance(name).spare_port, "says": None}
        assert [each["may_not"] for each in here["users"]] == [[], []]
    assert [each["action"] for each in user(said, "orders-1", "reader")["by_choice"]] == ["mysql.explain_statement"]
    assert [each["action"] for each in user(said, "orders-1", "changer")["by_choice"]] == ["mysql.analyze_table"]
    assert [(each["service"], each["ok"], each["says"]) for each in found["services"]] == [
        ("prometheus", True, None),
        ("alertmanager", True, None),
    ]


def test_the_text_report_groups_servers_with_the_same_findings(lab: LabState):
    said = firstmate("doctor", "--config", lab.config)
    assert said.code == 0
    assert "orders-1 (primary), orders-2, orders-3: MySQL" in said.out
    assert re.search(r"may run all \d+ diagnostics", said.out)
    assert "6 servers checked: no problems." in said.out
    assert "IDENTIFIED" not in said.out


@pytest.mark.parametrize(("name", "account", "privilege", "action"), CASES)
def test_the_reported_grant_fixes_the_problem(lab: LabState, name: str, account: str, privilege: str, action: str):
    kind = "reader" if account == READER else "changer"
    to = f"'{account}'@'%'"
    with changed(lab, name, account, f"REVOKE {privilege} FROM {to}", f"GRANT {privilege} TO {to}"):
        said = doctor(lab.config, "--only", next(s for s, names in SHARDS.items() if name in names))
        assert said.code == 1
        off = [each["action"] for each in user(said, name, kind)["may_not"]]
        assert action in off
        [placed] = said.json["grants"]
        assert placed["on"] == name
        assert placed["replicas"] == list(SHARDS[placed["shard"]][1:])
        assert placed["statements"] == [f"GRANT {privilege} TO {to}"]
        run(lab, name, *placed["statements"])
        arrived(lab, name, account)
        assert doctor(lab.config).code == 0


def test_a_privilege_that_only_a_replica_lacks_is_granted_there(lab: LabState):
    to = f"'{READER}'@'%'"
    unlogged = ("SET GLOBAL super_read_only = 0", "SET SESSION sql_log_bin = 0")
    run(lab, "orders-2", *unlogged, f"REVOKE PROCESS ON *.* FROM {to}", "SET GLOBAL super_read_only = 1")
    try:
        said = doctor(lab.config)
        [placed] = said.json["grants"]
        assert (said.code, placed["on"], placed["replicas"]) == (1, "orders-2", [])
        assert placed["statements"] == [*unlogged, f"GRANT PROCESS ON *.* TO {to}", "SET GLOBAL super_read_only = 1"]
        run(lab, "orders-2", *placed["statements"])
        assert doctor(lab.config).code == 0
    finally:
        run(lab, "orders-2", *unlogged, f"GRANT PROCESS ON *.* TO {to}", "SET GLOBAL super_read_only = 1")


@pytest.mark.parametrize(
    ("name", "granted"),
    [
        ("orders-1", "INSERT, DROP ON shop.*"),
        ("orders-1", "SUPER ON *.*"),
        ("orders-1", "ALL PRIVILEGES ON *.*"),
        ("billing-1", "INSERT, DROP ON shop.*"),
        ("billing-1", "ALL PRIVILEGES ON *.*"),
    ],
)
def test_excess_privileges_of_a_reader_are_reported_and_revoked(lab: LabState, name: str, granted: str):
    before = grants_of(lab, name, READER)
    to = f"'{READER}'@'%'"
    back = f"REVOKE {granted} FROM {to}"
    with ExitStack() as ends:
        run(lab, name, f"GRANT {granted} TO {to} WITH GRANT OPTION")
        ends.callback(arrived, lab, name, READER)
        ends.callback(restore, lab, name, before, back)
        arrived(lab, name, READER)
        said = doctor(lab.config)
        assert said.code == 1
        assert any("has privileges that its actions do not need" in says for says in instance(said, name)["problems"])
        assert user(said, name, "reader")["grant_option"] != []
        [placed] = said.json["revokes"]
        assert placed["on"] == name
        run(lab, name, *placed["statements"])
        if lab.instance(name).flavour == "mariadb" or "ALL" not in granted:
            # MySQL lists ALL as single privileges, and the read-only ones may stay.
            assert grants_of(lab, name, READER) == before
        arrived(lab, name, READER)
        assert doctor(lab.config).code == 0


def restore(lab: LabState, name: str, before: list[str], back: str) -> None:
    """Restores the privileges of a user after a test."""
    if grants_of(lab, name, READER) == before:
        return
    to = f"'{READER}'@'%'"
    run(lab, name, back, f"REVOKE GRANT OPTION ON *.* FROM {to}", *before)


def test_an_inactive_role_is_reported_with_the_statement_that_activates_it(lab: LabState):
    to = f"'{READER}'@'%'"
    with ExitStack() as ends:
        run(lab, "orders-1", "CREATE ROLE looks", "GRANT PROCESS, XA_RECOVER_ADMIN ON *.* TO looks")
        ends.callback(arrived, lab, "orders-1", READER)
        ends.callback(run, lab, "orders-1", "DROP ROLE looks", f"GRANT PROCESS, XA_RECOVER_ADMIN ON *.* TO {to}")
        run(lab, "orders-1", f"REVOKE PROCESS, XA_RECOVER_ADMIN ON *.* FROM {to}", f"GRANT looks TO {to}")
        arrived(lab, "orders-1", READER)
        said = doctor(lab.config)
        [placed] = said.json["grants"]
        assert placed["statements"] == [f"SET DEFAULT ROLE ALL TO {to}"]
        run(lab, "orders-1", *placed["statements"])
        wait_until("the replicas have the default role", lambda: doctor(lab.config).code == 0)


def test_a_role_of_mariadb_counts_only_if_it_is_active(lab: LabState):
    to = f"'{READER}'@'%'"
    with ExitStack() as ends:
        run(lab, "billing-1", "CREATE ROLE looks", "GRANT PROCESS ON *.* TO looks")
        ends.callback(arrived, lab, "billing-1", READER)
        ends.callback(run, lab, "billing-1", "DROP ROLE looks", f"GRANT PROCESS ON *.* TO {to}")
        run(lab, "billing-1", f"REVOKE PROCESS ON *.* FROM {to}", f"GRANT looks TO {to}")
        arrived(lab, "billing-1", READER)
        [says] = instance(doctor(lab.config), "billing-1")["problems"]
        assert "Its roles `looks` apply only if they are active" in says
        run(lab, "billing-1", f"SET DEFAULT ROLE looks FOR {to}")
        wait_until("the replicas have the default role", lambda: doctor(lab.config).code == 0)


def test_a_wrong_password_is_a_problem_of_that_user_only(lab: LabState, configure: Configure):
    wrong = lab.config.with_name("wrong")
    wrong.write_text("not it", encoding="utf-8")

    def change(document: dict[str, Any]) -> None:
        document["shards"][0]["changer"]["password"] = {"file": "wrong"}

    said = doctor(configure(change))
    assert said.code == 1
    for name in SHARDS["orders"]:
        [says] = instance(said, name)["problems"]
        assert (
            f"refuses the user {CHANGER}: wrong password, no account for this client host, or an account with" in says
        )
        assert user(said, name, "reader")["may_not"] == []
    assert instance(said, "billing-1")["problems"] == []


def test_a_missing_secret_is_a_finding_and_not_a_usage_error(configure: Configure):
    def change(document: dict[str, Any]) -> None:
        document["shards"][1]["reader"]["password"] = {"file": "nowhere"}

    said = doctor(configure(change))
    assert said.code == 1
    assert "cannot be read" in instance(said, "billing-1")["problems"][0]


def test_a_server_that_is_down_does_not_affect_the_others(sound_lab: LabState):
    inject_fault(sound_lab.folder, "server_down")
    said = doctor(sound_lab.config)
    here = instance(said, "orders-3")
    assert (said.code, here["reachable"], here["users"]) == (1, False, [])
    assert "does not accept connections" in here["problems"][0]
    for name in ("orders-1", "orders-2", *SHARDS["billing"]):
        assert instance(said, name)["problems"] == []


def test_a_server_that_hangs_times_out(sound_lab: LabState):
    inject_fault(sound_lab.folder, "server_hangs")
    said = doctor(sound_lab.config)
    silent = [each for shard in said.json["shards"] for each in shard["instances"] if not each["reachable"]]
    assert (said.code, len(silent)) == (1, 1)
    assert "does not answer" in silent[0]["problems"][0]


def test_a_read_only_deployment_has_no_problems(configure: Configure):
    def change(document: dict[str, Any]) -> None:
        for shard in document["shards"]:
            del shard["changer"]

    config = configure(change)
    said = doctor(config)
    assert (said.code, said.json["only_reads"]) == (0, True)
    assert [shard["remediations_off"] for shard in said.json["shards"]] == [13, 13]
    people = firstmate("doctor", "--config", config)
    assert people.code == 0
    assert "This deployment is read-only by configuration (no `changer`): 13 remediations are disabled." in " ".join(
        people.out.split()
    )


def test_a_shared_account_of_reader_and_changer_is_reported(configure: Configure):
    def change(document: dict[str, Any]) -> None:
        document["shards"][0]["reader"] = document["shards"][0]["changer"]

    said = doctor(configure(change), "--only", "orders")
    assert said.code == 1
    problems = instance(said, "orders-1")["problems"]
    assert any("use the same account" in says for says in problems)
    assert not any("do not need" in says for says in problems)


def test_a_wrong_inventory_entry_is_reported(configure: Configure):
    def change(document: dict[str, Any]) -> None:
        document["shards"][0]["flavour"] = "mariadb"
        document["shards"][1]["instances"][1]["role"] = "primary"

    said = doctor(configure(change))
    assert said.code == 1
    assert "the inventory says mariadb" in instance(said, "orders-1")["problems"][0]
    assert "The server is a replica" in instance(said, "billing-2")["problems"][0]
    assert instance(said, "billing-2")["role"]["agree"] is False


def test_a_closed_spare_port_is_reported(configure: Configure):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))

        def change(document: dict[str, Any]) -> None:
            document["shards"][0]["instances"][0]["spare_port"] = taken.getsockname()[1]

        said = doctor(configure(change))
    assert said.code == 1
    [says] = instance(said, "orders-1")["problems"]
    assert says.startswith("The spare port cannot be used")
    assert instance(said, "orders-2")["problems"] == []


def test_an_unconfigured_service_is_no_problem_and_an_unreachable_one_is(configure: Configure):
    nothing = doctor(configure(lambda document: document.pop("prometheus")), "--only", "orders-1")
    assert nothing.code == 0
    assert [each["configured"] for each in nothing.json["services"]] == [False, False]
    assert len(nothing.json["services"][0]["off"]) == 4
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://somebody:secret@127.0.0.1:{taken.getsockname()[1]}"
        silent = configure(lambda document: document.update(prometheus={"url": url, "alertmanager": url}))
        said = doctor(silent, "--only", "orders-1")
    assert said.code == 1
    assert [each["ok"] for each in said.json["services"]] == [False, False]
    assert "secret" not in said.out + said.err


def test_only_named_servers_are_inspected(lab: LabState):
    said = doctor(lab.config, "--only", "orders-2", "--only", "billing")
    named = [each["instance"] for shard in said.json["shards"] for each in shard["instances"]]
    assert named == ["orders-2", *SHARDS["billing"]]
    unknown = doctor(lab.config, "--only", "order-2")
    assert unknown.code == 2
    assert "Did you mean" in unknown.err


def test_the_report_says_whether_certificates_are_verified(lab: LabState, configure: Configure):
    def trusting(document: dict[str, Any]) -> None:
        [orders] = [shard for shard in document["shards"] if shard["name"] == "orders"]
        for kind in ("reader", "changer"):
            orders[kind] |= {"ca": str(own), "verify_identity": False}
        orders["instances"] = [each for each in orders["instances"] if each["name"] == "orders-2"]

    with administrator(lab.instance("orders-2")) as admin:
        own = Path(str(ask(admin, "SELECT @@GLOBAL.datadir AS folder")[0]["folder"])) / "ca.pem"
    said = doctor(configure(trusting))
    assert (instance(said, "orders-2")["tls"], instance(said, "orders-2")["certificate_checked"]) == (True, True)
    assert instance(said, "billing-2")["certificate_checked"] is False
    assert not instance(doctor(lab.config), "orders-2")["certificate_checked"]
    told = firstmate("doctor", "--config", lab.config).out
    assert "certificate not verified" in told
