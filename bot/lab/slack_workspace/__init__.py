"""The local workspace: a small Slack on loopback, for the tests, the demo and game days.

It implements Slack's Web API, Socket Mode and signed HTTP, and has a page with channels, threads, buttons and modals.
For an app it differs from Slack only in tokens and base URL.

    server, asgi_app, client    start it, and use it as a person would; local_api is what the client calls
    web_api/                    the methods that apps call
    app_delivery/               events, commands and clicks on their way to the app, and its replies
    block_kit/                  the rules for blocks and elements
    page/                       the web page
    workspace_state             what they share: messages, files, open_views, rate_limits, traffic_journal and so on

    with running_workspace() as workspace:
        App(client=WebClient(token=workspace.state.tokens.bot_token, base_url=workspace.api_url))
        WorkspaceClient(workspace.url).command("U0BOB", "C0DBALERTS", "/mate status")
"""

from bot.lab.slack_workspace.client import WorkspaceClient
from bot.lab.slack_workspace.model import Tokens
from bot.lab.slack_workspace.server import Workspace, running_workspace
from bot.lab.slack_workspace.workspace_state import WorkspaceOptions

__all__ = ["Tokens", "Workspace", "WorkspaceClient", "WorkspaceOptions", "running_workspace"]
