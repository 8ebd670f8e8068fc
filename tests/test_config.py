"""The settings: what is refused, and with which sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.config import Config, Role, Secret, load
from bot.errors import ConfigError

GOOD = """
intake: {token: {file: secrets/token}}
default_channel: C0DBALERTS
shards:
  - name: orders
    flavour: mysql
    reader: {user: firstmate_reader, password: {env: READER_PASSWORD}}
    instances:
      - {name: orders-1, host: 127.0.0.1, port: 3306, role: primary}
      - {name: orders-2, host: 127.0.0.1, port: 3307, role: replica}
"""


PROXIES = (
    GOOD
    + """\
    proxies:
      reader: {user: stats_reader, password: {env: PROXY_PASSWORD}}
      instances: [{name: orders-proxy-1, host: 127.0.0.1, port: 6032}]
"""
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "firstmate.yml"
    path.write_text(GOOD, encoding="utf-8")
    return path


def test_paths_are_relative_to_the_files_own_folder(file):
    config = load(file)
    assert config.intake.token.file == file.parent / "secrets/token"
    assert config.data == file.parent / "firstmate-data"


def test_proxies_stand_beside_the_servers_of_their_shard(file):
    file.write_text(PROXIES, encoding="utf-8")
    [shard] = load(file).shards
    assert [each.name for each in shard.members] == ["orders-1", "orders-2", "orders-proxy-1"]
    assert [each.name for each in shard.instances] == ["orders-1", "orders-2"]
    assert shard.members[-1].role is Role.PROXY
    assert shard.proxies is not None
    assert (shard.proxies.changer, shard.proxies.cluster) == (None, False)


def test_settings_do_not_change(file):
    with pytest.raises(ValueError, match="frozen"):
        load(file).default_channel = "C0OTHER"


WRONG = [
    ("[1, 2]", "must be a mapping"),
    ("shards: {", "is not YAML"),
    (GOOD + "colour: red\n", ":11: Unknown key 'colour' in the file; its keys are slack, intake, routes"),
    (
        GOOD.replace("role: replica", "role: leader"),
        ":10: shards.orders.instances.orders-2.role must be one of primary, replica, got 'leader'.",
    ),
    (
        GOOD.replace("port: 3307", "prt: 3307"),
        ":10: Unknown key 'prt' in shards.orders.instances.orders-2; did you mean 'port'?",
    ),
    (GOOD.replace("{token", "{tokn"), ":2: Unknown key 'tokn' in intake; did you mean 'token'?"),
    (GOOD.replace("user:", "usr:"), ":7: Unknown key 'usr' in shards.orders.reader; did you mean 'user'?"),
    (GOOD.replace("{env:", "{envv:"), "Unknown key 'envv' in shards.orders.reader.password; did you mean 'env'?"),
    (GOOD.replace("shards:", "shrds:"), ":4: Unknown key 'shrds' in the file; did you mean 'shards'?"),
    (GOOD.replace("host: 127.0.0.1, port: 3307, ", ""), ":10: Missing key 'host' in shards.orders.instances.orders-2."),
    (GOOD.replace("3307", "many"), ":10: shards.orders.instances.orders-2.port must be a whole number, got 'many'."),
    (GOOD + "approvals: {count: 9}\n", ":11: approvals.count must be at most 5, got '9'."),
    (GOOD + "roles: {aprover: {users: [U1]}}\n", "Unknown key 'aprover' in roles; did you mean 'approver'?"),
    (GOOD + "roles: {only: [{rol: approver}]}\n", "Unknown key 'rol' in roles.only.1; did you mean 'role'?"),
    (GOOD.replace("flavour: mysql", "flavour: postgres"), "shards.orders.flavour must be one of mysql, mariadb"),
    (
        GOOD.replace("{env: READER_PASSWORD}", "${READER_PASSWORD}"),
        ":7 is not YAML: expected ',' or '}', but got '{'. Variables are not expanded; write {env: READER_PASSWORD}.",
    ),
    (
        GOOD.replace("{env: READER_PASSWORD}", '"${READER_PASSWORD}"'),
        ":7: shards.orders.reader.password must refer to a secret: write {env: READER_PASSWORD} or {file: PATH}.",
    ),
    (GOOD.replace("3307", "3306"), "names both orders-1 and orders-2"),
    (GOOD.replace("{file: secrets/token}", "hunter2"), "intake.token"),
    (GOOD.replace("{file: secrets/token}", "{file: a, env: B}"), "exactly one source"),
    (GOOD.replace("role: replica", "role: proxy"), "orders-2 is a proxy; list it under `proxies` of orders"),
    (PROXIES.replace("orders-proxy-1", "orders-2"), "names both orders-2 and orders-2"),
    (PROXIES.replace("port: 6032", "port: 3307"), "names both orders-2 and orders-proxy-1"),
    (PROXIES.replace("port: 6032", "role: replica"), "shards.orders.proxies.instances.orders-proxy-1.role"),
    (PROXIES.replace("port: 6032", "spare_port: 6033"), "shards.orders.proxies.instances.orders-proxy-1.spare_port"),
    (PROXIES.replace("reader: {user: stats_reader", "nobody: {user: stats_reader"), "shards.orders.proxies"),
    (GOOD + "slack: {mode: socket, bot_token: {env: T}}\n", "app_token"),
    (GOOD + "slack: {mode: http, bot_token: {env: T}}\n", "signing_secret"),
]


@pytest.mark.parametrize(("text", "reason"), WRONG)
def test_what_does_not_fit_is_refused_with_file_key_and_reason(file, text, reason):
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load(file)
    assert reason in str(refused.value)
    assert str(file) in str(refused.value)


def test_a_secret_in_the_file_itself_is_not_repeated_in_the_refusal(file):
    file.write_text(GOOD.replace("{file: secrets/token}", "hunter2"), encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load(file)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("port: 3307", "prt: 3307"),
        GOOD.replace("{token", "{tokn"),
        GOOD.replace("role: replica", "role: leader"),
    ],
)
def test_one_mistake_is_reported_once(file, text):
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load(file)
    assert len(str(refused.value).splitlines()) == 1


def test_a_missing_file_is_named_once_and_the_error_says_how_to_name_another(tmp_path):
    path = tmp_path / "none.yml"
    with pytest.raises(ConfigError) as refused:
        load(path)
    assert str(refused.value) == f"There is no file {path}. Name your firstmate.yml with --config."


def test_a_configuration_that_cannot_be_read_gives_the_reason(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot be read: Is a directory\. Name"):
        load(tmp_path)


def test_a_missing_secret_names_the_key_and_the_user_that_need_it(file, monkeypatch):
    monkeypatch.delenv("READER_PASSWORD", raising=False)
    config = load(file)
    with pytest.raises(ConfigError) as refused:
        config.shards[0].reader.password.read()
    assert str(refused.value).startswith(
        "The environment variable READER_PASSWORD, which shards.orders.reader.password of the user firstmate_reader in "
        "firstmate.yml refers to, is not set or empty. Set it"
    )
    with pytest.raises(ConfigError, match=r"secrets/token, which intake\.token in firstmate.yml refers to, cannot be"):
        config.intake.token.read()


def test_secrets_come_from_the_environment_or_a_file(monkeypatch, tmp_path):
    monkeypatch.setenv("A_TOKEN", "one")
    (tmp_path / "token").write_text("two\n", encoding="utf-8")
    assert Secret(env="A_TOKEN").read() == "one"
    assert Secret(file=tmp_path / "token").read() == "two"


def test_a_secret_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.delenv("A_TOKEN", raising=False)
    (tmp_path / "empty").touch()
    for secret, name in ((Secret(env="A_TOKEN"), "A_TOKEN"), (Secret(file=tmp_path / "none"), "none")):
        with pytest.raises(ConfigError, match=name):
            secret.read()
    with pytest.raises(ConfigError, match="is empty"):
        Secret(file=tmp_path / "empty").read()


def test_the_schema_refuses_a_shard_without_instances():
    with pytest.raises(ValueError, match="instances"):
        Config.model_validate({"intake": {"token": {"env": "T"}}, "shards": [{"name": "x", "instances": []}]})
