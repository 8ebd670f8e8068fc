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
    (GOOD + "colour: red\n", "colour"),
    (GOOD.replace("role: replica", "role: leader"), "shards.0.instances.1.role"),
    (GOOD.replace("3307", "3306"), "names both orders-1 and orders-2"),
    (GOOD.replace("{file: secrets/token}", "hunter2"), "intake.token"),
    (GOOD.replace("{file: secrets/token}", "{file: a, env: B}"), "exactly one source"),
    (GOOD.replace("role: replica", "role: proxy"), "orders-2 is a proxy; list it under `proxies` of orders"),
    (PROXIES.replace("orders-proxy-1", "orders-2"), "names both orders-2 and orders-2"),
    (PROXIES.replace("port: 6032", "port: 3307"), "names both orders-2 and orders-proxy-1"),
    (PROXIES.replace("port: 6032", "role: replica"), "shards.0.proxies.instances.0.role"),
    (PROXIES.replace("port: 6032", "spare_port: 6033"), "shards.0.proxies.instances.0.spare_port"),
    (PROXIES.replace("reader: {user: stats_reader", "nobody: {user: stats_reader"), "shards.0.proxies.reader"),
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


def test_a_missing_file_says_how_to_name_one(tmp_path):
    with pytest.raises(ConfigError, match="--config"):
        load(tmp_path / "none.yml")


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
