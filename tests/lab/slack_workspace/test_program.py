"""`python -m bot.lab.slack_workspace` as a program, and its errors for invalid files."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.errors import ConfigError, Unreachable
from bot.lab.slack_workspace import Tokens, Workspace, WorkspaceClient, WorkspaceOptions, running_workspace
from bot.lab.slack_workspace.__main__ import main

TOKENS = {"bot_token": "xoxb-1", "app_token": "xapp-1", "signing_secret": "s", "alerts_bot_token": "xoxb-2"}
MANIFEST = """
features:
  slash_commands:
    - {command: /stand, description: Stand watch, should_escape: true}
oauth_config: {scopes: {bot: ["chat:write"]}}
settings: {event_subscriptions: {bot_events: [app_mention]}}
"""


@pytest.mark.server
def test_the_program_prints_its_url_and_stops_on_sigint(tmp_path: Path):
    tokens = tmp_path / "tokens.json"
    tokens.write_text(json.dumps(TOKENS))
    with subprocess.Popen(
        [sys.executable, "-m", "bot.lab.slack_workspace", "--tokens", str(tokens)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as program:
        assert program.stdout is not None
        url = program.stdout.readline().split()[-1]
        web = WebClient(token="xoxb-1", base_url=f"{url}/api/")
        WorkspaceClient(url).wait_for(lambda: answers(web), what="The workspace")
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=20)
    assert (program.returncode, errors) == (130, "")


def answers(web: WebClient) -> bool:
    try:
        return bool(web.auth_test()["ok"])
    except OSError:
        return False


@pytest.mark.parametrize(
    ("content", "sentence"),
    [("{", "could not be read"), ("[]", "lacks bot_token"), ('{"bot_token": 1}', "lacks bot_token, app_token")],
)
def test_an_invalid_file_of_tokens_is_reported_with_its_name(tmp_path: Path, capsys, content, sentence):
    tokens = tmp_path / "tokens.json"
    tokens.write_text(content)

    assert main(["--tokens", str(tokens)]) == 2

    told = capsys.readouterr().err
    assert sentence in told
    assert str(tokens) in told


def test_a_port_in_use_is_reported(workspace: Workspace):
    with pytest.raises(Unreachable, match=f"cannot listen on port {workspace.port}"):
        Workspace(port=workspace.port)


@pytest.mark.parametrize("content", ["", "features: [", "features: {slash_commands: [{description: x}]}"])
def test_an_invalid_manifest_is_refused(tmp_path: Path, content):
    path = tmp_path / "manifest.yml"
    path.write_text(content)

    with pytest.raises(ConfigError, match=r"manifest\.yml"):
        Workspace(options=WorkspaceOptions(manifest=path))


def test_an_invalid_data_file_is_refused(tmp_path: Path):
    path = tmp_path / "data.json"
    path.write_text("[]")

    with pytest.raises(ConfigError, match="is not a file of the local workspace"):
        Workspace(options=WorkspaceOptions(data=path))


@pytest.mark.server
def test_commands_events_and_scopes_come_from_the_manifest(tmp_path: Path):
    path = tmp_path / "manifest.yml"
    path.write_text(MANIFEST)
    with running_workspace(Tokens(), WorkspaceOptions(manifest=path, retry_delays=())) as workspace:
        people = WorkspaceClient(workspace.url)
        web = WebClient(token=workspace.state.tokens.bot_token, base_url=workspace.api_url)

        assert people.command("U0BOB", "C0DBALERTS", "/mate status")["error"] == "unknown_command"
        assert people.command("U0BOB", "C0DBALERTS", "/stand @alice")["error"] == "dispatch_failed"
        people.say("U0BOB", "C0DBALERTS", "not for the app")
        people.say("U0BOB", "C0DBALERTS", "@Firstmate hello")
        people.wait_for(lambda: people.journal(kind="event"))
        with pytest.raises(SlackApiError, match="missing_scope"):
            web.users_info(user="U0BOB")

        [command] = people.journal(kind="command")
        assert command["payload"]["text"] == "<@U0ALICE>"
        assert [event["name"] for event in people.journal(kind="event")] == ["app_mention"]


def test_calls_hang_while_the_workspace_does_not_answer(workspace: Workspace, people: WorkspaceClient):
    people.answering(False)
    impatient = WebClient(token=workspace.state.tokens.bot_token, base_url=workspace.api_url, timeout=1)
    impatient.retry_handlers.clear()

    with pytest.raises(TimeoutError):
        impatient.auth_test()

    people.answering(True)
    assert impatient.auth_test()["ok"]
