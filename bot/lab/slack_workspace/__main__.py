"""`python -m bot.lab.slack_workspace`: serves a local workspace until Ctrl-C."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bot.errors import Exit, FirstmateError
from bot.lab.slack_workspace.model import Tokens
from bot.lab.slack_workspace.server import Workspace
from bot.lab.slack_workspace.workspace_state import WorkspaceOptions


def main(argv: list[str] | None = None) -> int:
    """Runs the workspace; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bot.lab.slack_workspace", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: any free port)")
    parser.add_argument(
        "--tokens", type=Path, help="JSON file with bot_token, app_token, signing_secret and alerts_bot_token"
    )
    parser.add_argument("--data", type=Path, help="file that stores messages between starts")
    parser.add_argument(
        "--manifest", type=Path, help="manifest.yml of the app, with its commands, shortcuts, events and scopes"
    )
    parser.add_argument("--request-url", default="", help="deliver to this URL over signed HTTP instead of Socket Mode")
    parser.add_argument("--no-limits", action="store_true", help="disable rate limits")
    given = parser.parse_args(argv)
    try:
        tokens = Tokens.read(given.tokens) if given.tokens else Tokens()
        options = WorkspaceOptions(given.manifest, given.data, not given.no_limits, given.request_url)
        workspace = Workspace(tokens, options, given.port)
    except FirstmateError as problem:
        sys.stderr.write(f"{problem}\n")
        return problem.exit_code
    sys.stdout.write(f"The local workspace is at {workspace.url}\n")
    sys.stdout.flush()
    try:
        workspace.run()
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    return Exit.DONE


if __name__ == "__main__":
    sys.exit(main())
