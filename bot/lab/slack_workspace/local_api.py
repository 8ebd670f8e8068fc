"""The endpoints under /local/, for tests, the demo and the page's script; same-origin only, without tokens.

GET  /local/channels                     every channel
GET  /local/channels/{id}/messages       {"messages": [...]} oldest first, replies too; ?thread_ts= for one thread
GET  /local/ephemerals?user=&channel=    {"messages": [...]} the ephemeral messages of a user, oldest first
GET  /local/view?user=                   {"view": ... or null} the modal that a user has open, with its errors
GET  /local/journal?after=&kind=         {"entries": [...]} requests between workspace and apps, tokens redacted
GET  /local/events                       server-sent events: posted, changed, deleted, ephemeral, view, journal
POST /local/act                          {"user", "kind", ...} performs an action as a user:
         message   {channel, text, thread_ts?}
         command   {channel, text: "/mate status"} or {channel, command: "/mate", text: "status"}
         click     {channel, ts, action_id, block_id?, value?, values?} or {view_id, action_id, value?}
         shortcut  {callback_id, channel, ts} of a message; {callback_id} from anywhere
         submit_view {view_id?, values: {block_id: {action_id: value}} or {action_id: value}}
         close_view  {view_id?};   dismiss {channel, ts} of an ephemeral
     answers {"ok", "acked", "error", "response", "ephemerals", "view"}; 400 with a sentence for an impossible action
POST /local/hooks/alerts                 an incoming webhook for Alertmanager's `slack_configs: api_url`
POST /local/request-url                  {"url"} signed HTTP instead of Socket Mode; empty: Socket Mode again
POST /local/sockets                      {"do": "warning" | "refresh" | "drop" | "freeze" | "thaw"}
POST /local/faults                       {"method", "status", "times", "retry_after", "error", "when"};
                                         {"answering": false}: calls hang; {"clear": true}: back to normal
POST /local/limits                       {"forget": true}: resets every rate limit
POST /local/channel                      {"channel", "is_ext_shared"?, "is_archived"?, "join"?, "leave"?}
POST /local/user                         {"user", and any of deleted, is_restricted, is_ultra_restricted, is_stranger}
POST /local/usergroup                    {"usergroup", "users": [...]}
"""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from bot.lab.slack_workspace.block_kit.element_values import InvalidUserAction
from bot.lab.slack_workspace.model import Json, SlackError
from bot.lab.slack_workspace.request_bodies import arguments
from bot.lab.slack_workspace.user_actions import act
from bot.lab.slack_workspace.web_api.api_call import ApiCall
from bot.lab.slack_workspace.web_api.chat import MOST_POSTED, content
from bot.lab.slack_workspace.workspace_state import WorkspaceState

Endpoint = Callable[[Request], Awaitable[Response]]


def _state(request: Request) -> WorkspaceState:
    state: WorkspaceState = request.app.state.workspace
    return state


def json_endpoint(work: Callable[[WorkspaceState, Json], Awaitable[Json]]) -> Endpoint:
    """Wraps a function of a JSON body into an endpoint; its errors are answered with 400 and a sentence."""

    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse(await work(_state(request), await arguments(request)))
        except InvalidUserAction as problem:
            return JSONResponse({"ok": False, "error": str(problem)}, 400)
        except SlackError as refusal:
            return JSONResponse(refusal.body(), 400)

    return endpoint


async def channels(request: Request) -> Response:
    """Returns all channels."""
    state = _state(request)
    return JSONResponse({"channels": [c.public(state.team_id, state.app.user_id) for c in state.channels.values()]})


async def messages(request: Request) -> Response:
    """Returns the messages of a channel, or of one thread."""
    state = _state(request)
    channel = state.channels.get(request.path_params["id"])
    if channel is None:
        return JSONResponse({"ok": False, "error": "channel_not_found"}, 404)
    thread = request.query_params.get("thread_ts")
    every = [
        message
        for message in state.messages.all(channel.id)
        if thread in (None, message["ts"], message.get("thread_ts"))
    ]
    return JSONResponse({"messages": every})


async def ephemerals(request: Request) -> Response:
    """Returns the ephemeral messages of a user."""
    query = request.query_params
    return JSONResponse({"messages": _state(request).messages.seen_by(query.get("user", ""), query.get("channel"))})


async def view(request: Request) -> Response:
    """Returns the modal that a user has open."""
    top = _state(request).views.top(request.query_params.get("user", ""))
    return JSONResponse({"view": None if top is None else {**top.view, "errors": top.errors}})


async def journal(request: Request) -> Response:
    """Returns entries of the journal."""
    after = request.query_params.get("after", "0")
    kind = request.query_params.get("kind")
    return JSONResponse({"entries": _state(request).journal.entries(int(after) if after.isdigit() else 0, kind)})


async def events(request: Request) -> Response:
    """Streams updates as server-sent events."""
    state = _state(request)

    async def stream() -> AsyncIterator[str]:
        yield ": connected\n\n"
        async for news in state.hub.listen():
            yield ": idle\n\n" if news["type"] == "idle" else f"data: {json.dumps(news)}\n\n"

    return StreamingResponse(stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def alerts_hook(request: Request) -> Response:
    """Posts messages of Alertmanager's Slack receiver, as the second bot."""
    state = _state(request)
    bot = state.bots["B0ALERTS"]
    try:
        call = ApiCall(state, bot, await arguments(request))
        channel = state.channel(call.text("channel", "db-alerts"))
        message = content(call, MOST_POSTED)
    except SlackError as refusal:
        state.journal.add("api", "hooks/alerts", error=refusal.error)
        return PlainTextResponse(refusal.error, 404 if refusal.error == "channel_not_found" else 400)
    if wait := state.limits.wait_for_channel(bot.app_id, channel.id):
        return PlainTextResponse("rate_limited", 429, {"Retry-After": str(wait)})
    author = {"subtype": "bot_message", "bot_id": bot.id, "username": call.text("username", bot.name)}
    kept = state.messages.post(channel.id, {**author, **message})
    state.journal.add("api", "hooks/alerts", channel=channel.id, ts=kept["ts"])
    return PlainTextResponse("ok")


async def request_url(state: WorkspaceState, given: Json) -> Json:
    """Switches to signed HTTP, after the URL has answered a challenge, or back to Socket Mode."""
    old = state.delivery.request_url
    if given.get("url") and not str(given["url"]).startswith("http://"):
        raise InvalidUserAction("The request URL must begin with http://; the workspace does not support TLS.")
    state.delivery.request_url = str(given.get("url") or "")
    if state.delivery.request_url and not await state.delivery.verify_url(secrets.token_hex(16)):
        state.delivery.request_url = old
        raise InvalidUserAction(f"{given.get('url')} did not answer the challenge of url_verification.")
    return {"ok": True}


async def sockets(state: WorkspaceState, given: Json) -> Json:
    """Refreshes, closes or freezes the Socket Mode connections."""
    change = given.get("do")
    if change == "drop":
        await state.sockets.drop()
    elif change in ("warning", "refresh"):
        await state.sockets.ask_to_leave("warning" if change == "warning" else "refresh_requested")
    elif change in ("freeze", "thaw"):
        state.sockets.freeze(change == "freeze")
    else:
        raise InvalidUserAction("`do` must be one of warning, refresh, drop, freeze, thaw.")
    return {"ok": True, "open": len(state.sockets.connections)}


async def failures(state: WorkspaceState, given: Json) -> Json:
    """Adds failures of the Web API, or removes them."""
    if given.get("clear"):
        state.failures.clear()
    elif "answering" in given:
        state.failures.answer(bool(given["answering"]))
    else:
        allowed = {"method", "status", "times", "retry_after", "error", "when"}
        if not given.get("method") or set(given) - allowed:
            raise InvalidUserAction(f"A failure needs `method` and may have {', '.join(sorted(allowed - {'method'}))}.")
        state.fail_next(**given)
    return {"ok": True}


async def limits(state: WorkspaceState, given: Json) -> Json:
    """Resets every rate limit."""
    if given.get("forget") is not True:
        raise InvalidUserAction('The only supported body is {"forget": true}.')
    state.limits.forget()
    return {"ok": True}


async def change_channel(state: WorkspaceState, given: Json) -> Json:
    """Changes whether a channel is shared or archived, and its members."""
    channel = state.channel(given.get("channel"))
    channel.is_ext_shared = bool(given.get("is_ext_shared", channel.is_ext_shared))
    channel.is_archived = bool(given.get("is_archived", channel.is_archived))
    channel.members |= {given["join"]} if given.get("join") else set()
    channel.members -= {given["leave"]} if given.get("leave") else set()
    return {"ok": True, "channel": channel.public(state.team_id, state.app.user_id)}


async def change_user(state: WorkspaceState, given: Json) -> Json:
    """Changes the flags of a user."""
    user = state.user(given.get("user"))
    for name in ("deleted", "is_restricted", "is_ultra_restricted", "is_stranger"):
        if name in given:
            setattr(user, name, bool(given[name]))
    return {"ok": True, "user": user.public()}


async def change_usergroup(state: WorkspaceState, given: Json) -> Json:
    """Changes the members of a user group."""
    group = state.usergroups.get(str(given.get("usergroup")))
    if group is None:
        raise SlackError("no_such_subteam")
    group.users = [state.user(user).id for user in given.get("users") or []]
    return {"ok": True, "usergroup": group.public(state.team_id, include_users=True)}


act_endpoint = json_endpoint(act)
POSTS: dict[str, Endpoint] = {
    "/local/act": act_endpoint,
    "/local/hooks/alerts": alerts_hook,
    "/local/request-url": json_endpoint(request_url),
    "/local/sockets": json_endpoint(sockets),
    "/local/faults": json_endpoint(failures),
    "/local/limits": json_endpoint(limits),
    "/local/channel": json_endpoint(change_channel),
    "/local/user": json_endpoint(change_user),
    "/local/usergroup": json_endpoint(change_usergroup),
}
GETS: dict[str, Endpoint] = {
    "/local/channels": channels,
    "/local/channels/{id}/messages": messages,
    "/local/ephemerals": ephemerals,
    "/local/view": view,
    "/local/journal": journal,
    "/local/events": events,
}
