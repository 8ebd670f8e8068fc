"""Stores messages and files in a JSON file between starts of the workspace."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path

from bot.errors import ConfigError
from bot.lab.slack_workspace.files import File
from bot.lab.slack_workspace.model import Json
from bot.lab.slack_workspace.workspace_state import WorkspaceState

CHANGES = frozenset({"posted", "changed", "deleted", "ephemeral"})
PAUSE = 1.0  # seconds between two writes


def save(state: WorkspaceState, path: Path) -> None:
    """Writes everything to the file, atomically."""
    kept = {
        "messages": {channel: list(messages.values()) for channel, messages in state.messages.by_channel.items()},
        "ephemeral": state.messages.ephemeral,
        "files": [_file(file) for file in state.files.by_id.values() if file.completed],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(json.dumps(kept), encoding="utf-8")
    fresh.replace(path)


def _file(file: File) -> Json:
    return {
        "id": file.id,
        "name": file.name,
        "user": file.user,
        "created": file.created,
        "alt_text": file.alt_text,
        "title": file.title,
        "shares": file.shares,
        "content": base64.b64encode(file.content or b"").decode(),
    }


def load(state: WorkspaceState, path: Path) -> None:
    """Reads the file of an earlier start, if it exists; raises ConfigError when it is not valid."""
    if not path.exists():
        return
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        for channel, messages in kept["messages"].items():
            state.messages.by_channel[channel] = {message["ts"]: message for message in messages}
            for message in messages:
                state.messages.seen(message["ts"])
        state.messages.ephemeral = list(kept["ephemeral"])
        for file in kept["files"]:
            content = base64.b64decode(file.pop("content"))
            state.files.by_id[file["id"]] = File(
                **file, content=content, length=len(content), ticket="", completed=True
            )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise ConfigError(
            f"{path} is not a file of the local workspace ({problem}); move it away to start with an empty one."
        ) from problem


async def keep(state: WorkspaceState, path: Path) -> None:
    """Writes the file after changes, at most once per second, until it is cancelled."""
    changed = asyncio.Event()

    async def listen() -> None:
        async for news in state.hub.listen():
            if news["type"] in CHANGES:
                changed.set()

    listening = asyncio.create_task(listen())
    try:
        while True:
            await changed.wait()
            changed.clear()
            save(state, path)
            await asyncio.sleep(PAUSE)
    finally:
        listening.cancel()
        save(state, path)
