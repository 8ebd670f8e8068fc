"""The Web API over HTTP: tokens, scopes, limits, prepared failures, the journal, and the upload address of files."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from bot.lab.workspace import seed
from bot.lab.workspace.failure_switches import FailureSwitch
from bot.lab.workspace.forms import arguments, file_content
from bot.lab.workspace.methods import METHODS, SCOPES, Call
from bot.lab.workspace.model import Json, SlackError
from bot.lab.workspace.state import State


class BrokenOff(Response):
    """An answer that breaks off after its first byte, as when a connection is lost."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends less than it announced."""
        headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


async def api(request: Request) -> Response:
    """Answers one call of /api/<method>."""
    state: State = request.app.state.workspace
    method = request.path_params["method"]
    await state.faults.until_answering()
    try:
        args = await arguments(request)
    except SlackError as refusal:
        return _answer(state, method, {}, refusal.body())
    token = request.headers.get("authorization", "").partition(" ")[2].strip() or str(args.pop("token", ""))
    fault = state.faults.take(method)
    if fault is not None and fault.when == "before":
        return _failed(state, method, args, fault)
    answer = _call(state, method, token, args)
    if fault is not None:
        return _failed(state, method, args, fault)
    return _answer(state, method, args, answer)


def _call(state: State, method: str, token: str, args: Json) -> Json:
    try:
        if method == "apps.connections.open":
            return {"ok": True, "url": _open_connection(state, token)}
        if method == "api.test":
            return {"ok": True, **METHODS[method](Call(state, state.app, args))}
        if method not in METHODS:
            raise SlackError("unknown_method", req_method=method)
        bot = state.bot_of(token)
        needed = SCOPES.get(method, "")
        if bot.scopes and needed and needed not in bot.scopes:
            raise SlackError("missing_scope", needed=needed, provided=",".join(sorted(bot.scopes)))
        if wait := state.limits.wait_for_method(bot.app_id, method):
            raise SlackError("ratelimited", retry_after=wait)
        return {"ok": True, **METHODS[method](Call(state, bot, args))}
    except SlackError as refusal:
        return refusal.body()


def _open_connection(state: State, token: str) -> str:
    if not token:
        raise SlackError("not_authed")
    if token != state.tokens.app_token:
        bots = {bot.token for bot in state.bots.values()}
        raise SlackError("not_allowed_token_type" if token in bots else "invalid_auth")
    if wait := state.limits.wait_for_method(seed.FIRSTMATE, "apps.connections.open"):
        raise SlackError("ratelimited", retry_after=wait)
    address = state.url.replace("http://", "ws://", 1)
    return f"{address}/link/?ticket={state.sockets.ticket()}&app_id={seed.FIRSTMATE}"


def _answer(state: State, method: str, args: Json, body: Json) -> Response:
    told = {name: value for name, value in body.items() if name in ("ok", "error", "ts", "channel", "errors")}
    if body.get("error") == "ratelimited" and "retry_after" in body:
        wait = body.pop("retry_after")
        state.journal.add("api", method, args=args, status=429, answer={**told, "retry_after": wait})
        return JSONResponse(body, 429, {"Retry-After": str(wait)})
    state.journal.add("api", method, args=args, status=200, answer=told)
    return JSONResponse(body, 200, {"X-OAuth-Scopes": ",".join(sorted(state.app.scopes))})


def _failed(state: State, method: str, args: Json, fault: FailureSwitch) -> Response:
    state.journal.add("api", method, args=args, status=fault.status, answer={"error": fault.error}, fault=fault.when)
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if fault.status == 0:
        return BrokenOff()
    if fault.status == 429:
        return JSONResponse({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": "1", **headers})
    if fault.error:
        return JSONResponse({"ok": False, "error": fault.error}, fault.status, headers)
    return PlainTextResponse("upstream connect error", fault.status, headers)


async def upload(request: Request) -> Response:
    """Takes the bytes of a file at the address that files.getUploadURLExternal gave."""
    state: State = request.app.state.workspace
    await state.faults.until_answering()
    try:
        content = await file_content(request)
        file = state.files.receive(request.path_params["ticket"], content)
    except SlackError as refusal:
        state.journal.add("upload", refusal.error, status=400)
        return PlainTextResponse(refusal.error, 400)
    state.journal.add("upload", file.name, file=file.id, status=200, length=len(content))
    return PlainTextResponse(f"OK - {len(content)}")
