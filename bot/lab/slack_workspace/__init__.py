"""The local workspace: a small Slack on loopback, for tests, the demo and game days.

It speaks Slack's Web API, Socket Mode and signed HTTP, and has a page with channels, threads, buttons and modals.
Only tokens and a base URL tell it from Slack.

    with running_workspace() as workspace:
        App(client=WebClient(token=workspace.state.tokens.bot_token, base_url=workspace.api_url))
        WorkspaceClient(workspace.url).command("U0BOB", "C0DBALERTS", "/mate status")
"""

from bot.lab.slack_workspace.client import WorkspaceClient
from bot.lab.slack_workspace.model import Tokens
from bot.lab.slack_workspace.server import Workspace, running_workspace
from bot.lab.slack_workspace.workspace_state import WorkspaceOptions

__all__ = ["Tokens", "Workspace", "WorkspaceClient", "WorkspaceOptions", "running_workspace"]
