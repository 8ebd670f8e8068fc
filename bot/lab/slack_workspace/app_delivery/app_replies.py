"""Carries out the app's replies through a response_url or in the ack of a command."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.lab.slack_workspace.app_delivery.response_urls import ResponseTarget
from bot.lab.slack_workspace.model import Json, SlackError
from bot.lab.slack_workspace.request_bodies import arguments
from bot.lab.slack_workspace.web_api.api_call import ApiCall
from bot.lab.slack_workspace.web_api.chat import MOST_POSTED, authored, content
from bot.lab.slack_workspace.workspace_state import WorkspaceState


def carry_out_reply(state: WorkspaceState, target: ResponseTarget, body: Json) -> None:
    """Carries out a reply: deletes or replaces the original, or posts in the channel or to the one user."""
    call = ApiCall(state, state.app, body)
    original = (
        state.messages.ephemeral_at(target.user, target.channel, target.message_ts) if target.is_ephemeral else None
    )
    if call.flag("delete_original"):
        if original is not None:
            state.messages.replace_ephemeral(original, None)
        elif target.message_ts:
            state.messages.delete(target.channel, target.message_ts)
        return
    told = {**authored(call), **content(call, MOST_POSTED)}
    if target.message_ts and call.flag("replace_original"):
        if original is not None:
            state.messages.replace_ephemeral(original, {"blocks": [], "attachments": [], **told})
        else:
            change = {"blocks": None, **told}
            state.messages.update(target.channel, target.message_ts, change)
        return
    thread = call.text("thread_ts") or (target.thread_ts if target.thread_ts != target.message_ts else "")
    if thread:
        told["thread_ts"] = thread
    if call.text("response_type") == "in_channel":
        state.messages.post(target.channel, told)
    else:
        state.messages.show_to(target.user, target.channel, told)


async def response_url(request: Request) -> Response:
    """Accepts a reply at a response_url, which is valid for 5 uses within 30 minutes."""
    state: WorkspaceState = request.app.state.workspace
    await state.failures.until_answering()
    failure = state.failures.take("response_url")
    if failure is not None:
        return JSONResponse({"ok": False, "error": failure.error or "fault"}, failure.status or 500)
    body: Json = {}
    try:
        body = await arguments(request)
        carry_out_reply(state, state.responses.use(request.path_params["key"]), body)
    except SlackError as refusal:
        state.journal.add("response_url", request.url.path.split("/")[1], body=body, error=refusal.error)
        status = 404 if refusal.error in ("expired_url", "used_url") else 400
        return JSONResponse(refusal.body(), status)
    state.journal.add("response_url", request.url.path.split("/")[1], body=body, error="")
    return JSONResponse({"ok": True})
