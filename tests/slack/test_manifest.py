"""The manifest has exactly the commands and scopes that bot/slack uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import bot
from bot.lab.workspace.manifest import Manifest
from bot.lab.workspace.methods import SCOPES
from bot.slack.listeners import HELP

TOP = Path(bot.__file__).parents[1]
METHODS = {
    "chat_postMessage": "chat.postMessage",
    "chat_update": "chat.update",
    "chat_postEphemeral": "chat.postEphemeral",
    "files_upload_v2": "files.completeUploadExternal",
    "conversations_history": "conversations.history",
    "conversations_replies": "conversations.replies",
    "users_info": "users.info",
    "usergroups_users_list": "usergroups.users.list",
    "bots_info": "bots.info",
}
"""Calls in the code -> methods of the Web API; auth.test and apps.connections.open need no scope."""


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return dict(yaml.safe_load((TOP / "manifest.yml").read_text(encoding="utf-8")))


def test_the_local_workspace_installs_this_manifest():
    assert Manifest.shipped() == TOP / "manifest.yml"


def test_its_commands_are_those_that_listeners_answer(manifest):
    assert {entry["command"] for entry in manifest["features"]["slash_commands"]} == set(HELP)


def test_its_scopes_are_those_of_the_calls_in_the_code(manifest):
    code = "".join(path.read_text(encoding="utf-8") for path in (TOP / "bot" / "slack").glob("*.py"))
    called = {method for call, method in METHODS.items() if f".{call}(" in code}
    assert called == set(METHODS.values())
    needed = {SCOPES[method] for method in called} | {"commands", "groups:history"}
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == needed


def test_no_scope_allows_impersonation_or_posting_without_an_invitation(manifest):
    scopes = manifest["oauth_config"]["scopes"]
    assert set(scopes) == {"bot"}
    assert not {"chat:write.public", "chat:write.customize", "files:read", "admin"} & set(scopes["bot"])


def test_it_is_within_slack_s_limits(manifest):
    about = manifest["display_information"]
    assert len(about["name"]) <= 35
    assert len(about["description"]) <= 140
    assert 174 <= len(about["long_description"]) <= 4000
    for entry in manifest["features"]["slash_commands"]:
        assert len(entry["command"]) <= 32
        assert len(entry["description"]) <= 2000
        assert len(entry["usage_hint"]) <= 1000
