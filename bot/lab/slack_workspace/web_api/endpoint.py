"""The Web API over HTTP: checks token, scope and rate limit, calls the method, and accepts file uploads."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from bot.lab.slack_workspace import seed_data
from bot.lab.slack_workspace.failure_switches import FailureSwitch
from bot.lab.slack_workspace.model import Json, SlackError
from bot.lab.slack_workspace.request_bodies import arguments, file_content
from bot.lab.slack_workspace.web_api.api_call import ApiCall
from bot.lab.slack_workspace.web_api.methods import METHODS, SCOPES
from bot.lab.slack_workspace.workspace_state import WorkspaceState


class TruncatedResponse(Response):
    """An answer that ends after its first byte, as when a connection is lost."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends less than the announced length."""
        headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


async def api(request: Request) -> Response:
    """Answers a call of /api/<method>."""
    state: WorkspaceState = request.app.state.workspace
    method = request.path_params["method"]
    await state.failures.until_answering()
    try:
        args = await arguments(request)
    except SlackError as refusal:
        return _answer(state, method, {}, refusal.body())
    token = request.headers.get("authorization", "").partition(" ")[2].strip() or str(args.pop("token", ""))
    failure = state.failures.take(method)
    if failure is not None and failure.when == "before":
        return _failing_answer(state, method, args, failure)
    answer = _call(state, method, token, args)
    if failure is not None:
        return _failing_answer(state, method, args, failure)
    return _answer(state, method, args, answer)


def _call(state: WorkspaceState, method: str, token: str, args: Json) -> Json:
    try:
        if method == "apps.connections.open":
            return {"ok": True, "url": _open_connection(state, token)}
        if method == "api.test":
            return {"ok": True, **METHODS[method](ApiCall(state, state.app, args))}
        if method not in METHODS:
            raise SlackError("unknown_method", req_method=method)
        bot = state.bot_of(token)
        needed = SCOPES.get(method, "")
        if bot.scopes and needed and needed not in bot.scopes:
            raise SlackError("missing_scope", needed=needed, provided=",".join(sorted(bot.scopes)))
        if wait := state.limits.wait_for_method(bot.app_id, method):
            raise SlackError("ratelimited", retry_after=wait)
        return {"ok": True, **METHODS[method](ApiCall(state, bot, args))}
    except SlackError as refusal:
        return refusal.body()


def _open_connection(state: WorkspaceState, token: str) -> str:
    if not token:
        raise SlackError("not_authed")
    if token != state.tokens.app_token:
        bots = {bot.token for bot in state.bots.values()}
        raise SlackError("not_allowed_token_type" if token in bots else "invalid_auth")
    if wait := state.limits.wait_for_method(seed_data.FIRSTMATE, "apps.connections.open"):
        raise SlackError("ratelimited", retry_after=wait)
    address = state.url.replace("http://", "ws://", 1)
    return f"{address}/link/?ticket={state.sockets.ticket()}&app_id={seed_data.FIRSTMATE}"


def _answer(state: WorkspaceState, method: str, args: Json, body: Json) -> Response:
    told = {name: value for name, value in body.items() if name in ("ok", "error", "ts", "channel", "errors")}
    if body.get("error") == "ratelimited" and "retry_after" in body:
        wait = body.pop("retry_after")
        state.journal.add("api", method, args=args, status=429, answer={**told, "retry_after": wait})
        return JSONResponse(body, 429, {"Retry-After": str(wait)})
    state.journal.add("api", method, args=args, status=200, answer=told)
    return JSONResponse(body, 200, {"X-OAuth-Scopes": ",".join(sorted(state.app.scopes))})


def _failing_answer(state: WorkspaceState, method: str, args: Json, failure: FailureSwitch) -> Response:
    state.journal.add(
        "api", method, args=args, status=failure.status, answer={"error": failure.error}, failure=failure.when
    )
    headers = {} if failure.retry_after is None else {"Retry-After": str(failure.retry_after)}
    if failure.status == 0:
        return TruncatedResponse()
    if failure.status == 429:
        return JSONResponse({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": "1", **headers})
    if failure.error:
        return JSONResponse({"ok": False, "error": failure.error}, failure.status, headers)
    return PlainTextResponse("upstream connect error", failure.status, headers)


async def upload(request: Request) -> Response:
    """Accepts the content of a file at its upload URL."""
    state: WorkspaceState = request.app.state.workspace
    await state.failures.until_answering()
    try:
        content = await file_content(request)
        file = state.files.receive(request.path_params["ticket"], content)
    except SlackError as refusal:
        state.journal.add("upload", refusal.error, status=400)
        return PlainTextResponse(refusal.error, 400)
    state.journal.add("upload", file.name, file=file.id, status=200, length=len(content))
    return PlainTextResponse(f"OK - {len(content)}")
