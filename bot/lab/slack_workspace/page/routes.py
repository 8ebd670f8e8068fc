"""The page: channels, messages, threads, modals and the inspector, rendered on the server."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from bot.lab.slack_workspace import seed_data
from bot.lab.slack_workspace.files import INLINE
from bot.lab.slack_workspace.model import Channel, Json, SlackError, User
from bot.lab.slack_workspace.page.rendering import Rendering
from bot.lab.slack_workspace.workspace_state import WorkspaceState

HERE = Path(__file__).parent
COOKIE = "act_as"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def _state(request: Request) -> WorkspaceState:
    state: WorkspaceState = request.app.state.workspace
    return state


def _rendering(request: Request) -> Rendering:
    rendering: Rendering = request.app.state.rendering
    return rendering


def viewer(request: Request) -> User:
    """Returns the user that this browser acts as."""
    user = _state(request).users.get(request.cookies.get(COOKIE, ""))
    return user if user is not None and not user.is_bot else _state(request).users["U0BOB"]


def _html(text: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(text, status, HEADERS)


def _gone(what: str) -> Response:
    return PlainTextResponse(f"This workspace has no such {what}.", 404, HEADERS)


def _listed(state: WorkspaceState, channel: Channel, user: User) -> list[Json]:
    own = [
        message
        for message in state.messages.all(channel.id)
        if message.get("thread_ts", message["ts"]) == message["ts"] or message.get("subtype") == "thread_broadcast"
    ]
    private = [message for message in state.messages.seen_by(user.id, channel.id) if "thread_ts" not in message]
    return sorted(own + private, key=lambda message: str(message["ts"]))


def _thread(state: WorkspaceState, channel: Channel, ts: str, user: User) -> list[Json]:
    first = state.messages.find(channel.id, ts)
    if first is None:
        return []
    first = state.messages.find(channel.id, str(first.get("thread_ts", ts))) or first
    private = [m for m in state.messages.seen_by(user.id, channel.id) if m.get("thread_ts") == first["ts"]]
    replies = [*state.messages.replies(channel.id, first["ts"]), *private]
    return [first, *sorted(replies, key=lambda message: str(message["ts"]))]


async def home(request: Request) -> Response:
    """Redirects to the first channel."""
    return RedirectResponse(f"/c/{next(iter(_state(request).channels))}")


async def channel_page(request: Request) -> Response:
    """Renders a channel, and the thread in `?thread=`."""
    state, user = _state(request), viewer(request)
    channel = state.channels.get(request.path_params["channel"])
    if channel is None:
        return _gone("channel")
    ts = request.query_params.get("thread", "")
    return _html(
        _rendering(request).show(
            "page.html",
            channel=channel,
            channels=[one for one in state.channels.values() if user.id in one.members],
            people=[one for one in state.users.values() if not one.is_bot],
            apps=[_rendering(request).speaker(bot.user_id) for bot in state.bots.values()],
            viewer=user,
            messages=_listed(state, channel, user),
            thread=_thread(state, channel, ts, user) if ts else [],
            top=state.views.top(user.id),
            commands=state.manifest.commands,
            team_name=seed_data.TEAM_NAME,
            here=str(request.url.path) + (f"?thread={ts}" if ts else ""),
        )
    )


async def archives(request: Request) -> Response:
    """Redirects from a permalink to its message."""
    found = re.fullmatch(r"p(\d+)(\d{6})", request.path_params["point"])
    channel = _state(request).channels.get(request.path_params["channel"])
    if found is None or channel is None:
        return _gone("message")
    ts = f"{found[1]}.{found[2]}"
    message = _state(request).messages.find(channel.id, ts) or {}
    thread = request.query_params.get("thread_ts") or message.get("thread_ts")
    return RedirectResponse(f"/c/{channel.id}{f'?thread={thread}' if thread else ''}#m-{ts}")


async def message_fragment(request: Request) -> Response:
    """Renders one message for the channel or for its thread."""
    state, user = _state(request), viewer(request)
    channel, ts = request.path_params["channel"], request.path_params["ts"]
    message = state.messages.ephemeral_at(user.id, channel, ts) or state.messages.find(channel, ts)
    if message is None:
        return _gone("message")
    return _html(_rendering(request).show("one.html", m=message, in_thread=request.query_params.get("in") == "thread"))


async def messages_fragment(request: Request) -> Response:
    """Renders the messages of a channel, for a page that missed updates."""
    channel = _state(request).channels.get(request.path_params["channel"])
    if channel is None:
        return _gone("channel")
    listed = _listed(_state(request), channel, viewer(request))
    return _html(_rendering(request).show("messages.html", messages=listed))


async def thread_fragment(request: Request) -> Response:
    """Renders a thread."""
    state, user = _state(request), viewer(request)
    channel = state.channels.get(request.path_params["channel"])
    thread = _thread(state, channel, request.path_params["ts"], user) if channel else []
    if not thread:
        return _gone("thread")
    return _html(_rendering(request).show("thread.html", channel=channel, thread=thread))


async def modal_fragment(request: Request) -> Response:
    """Renders the modal that this browser's user has open, if any."""
    top = _state(request).views.top(viewer(request).id)
    return _html("" if top is None else _rendering(request).show("modal.html", view=top.view, errors=top.errors))


async def journal_fragment(request: Request) -> Response:
    """Renders the inspector's entries after a number."""
    after = request.query_params.get("after", "0")
    entries = _state(request).journal.entries(int(after) if after.isdigit() else 0)[-300:]
    return _html(_rendering(request).show("journal.html", entries=entries))


async def act_as(request: Request) -> Response:
    """Changes the user that this browser acts as."""
    given = parse_qs((await request.body()).decode(errors="replace"))
    user = _state(request).users.get(given.get("user", [""])[0])
    where = given.get("next", ["/"])[0]
    if user is None or user.is_bot:
        return _gone("person")
    answer = RedirectResponse(where if re.fullmatch(r"/c/\w+(\?thread=[\d.]+)?", where) else "/", 303)
    answer.set_cookie(COOKIE, user.id, httponly=True, samesite="strict")
    return answer


async def download(request: Request) -> Response:
    """Returns the content of a file; only images are displayed inline."""
    try:
        file = _state(request).files.get(request.path_params["id"])
    except SlackError:
        return _gone("file")
    shown = file.mimetype in INLINE
    headers = {**HEADERS, "Content-Disposition": "inline" if shown else "attachment"}
    return Response(file.content, 200, headers, file.mimetype if shown else "application/octet-stream")


ROUTES: list[BaseRoute] = [
    Route("/", home),
    Route("/c/{channel}", channel_page),
    Route("/archives/{channel}/{point}", archives),
    Route("/page/messages/{channel}", messages_fragment),
    Route("/page/message/{channel}/{ts}", message_fragment),
    Route("/page/thread/{channel}/{ts}", thread_fragment),
    Route("/page/modal", modal_fragment),
    Route("/page/journal", journal_fragment),
    Route("/page/act-as", act_as, methods=["POST"]),
    Route("/files/{id}/download", download),
    Mount("/static", StaticFiles(directory=HERE / "static")),
]
