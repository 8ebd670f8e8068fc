"""What the app answers through a response_url or in the ack of a command."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.lab.workspace.forms import arguments
from bot.lab.workspace.methods.api_call import Call
from bot.lab.workspace.methods.chat import MOST_POSTED, authored, content
from bot.lab.workspace.model import Json, SlackError
from bot.lab.workspace.responses import Response as Given
from bot.lab.workspace.state import State


def answer(state: State, given: Given, body: Json) -> None:
    """Carries out an answer: delete, replace, in the channel, or visible to the one person only."""
    call = Call(state, state.app, body)
    original = state.messages.ephemeral_at(given.user, given.channel, given.message_ts) if given.is_ephemeral else None
    if call.flag("delete_original"):
        if original is not None:
            state.messages.replace_ephemeral(original, None)
        elif given.message_ts:
            state.messages.delete(given.channel, given.message_ts)
        return
    told = {**authored(call), **content(call, MOST_POSTED)}
    if given.message_ts and call.flag("replace_original"):
        if original is not None:
            state.messages.replace_ephemeral(original, {"blocks": [], "attachments": [], **told})
        else:
            change = {"blocks": None, **told}
            state.messages.update(given.channel, given.message_ts, change)
        return
    thread = call.text("thread_ts") or (given.thread_ts if given.thread_ts != given.message_ts else "")
    if thread:
        told["thread_ts"] = thread
    if call.text("response_type") == "in_channel":
        state.messages.post(given.channel, told)
    else:
        state.messages.show_to(given.user, given.channel, told)


async def response_url(request: Request) -> Response:
    """Takes one answer at a response_url: 5 uses, 30 minutes."""
    state: State = request.app.state.workspace
    await state.faults.until_answering()
    fault = state.faults.take("response_url")
    if fault is not None:
        return JSONResponse({"ok": False, "error": fault.error or "fault"}, fault.status or 500)
    body: Json = {}
    try:
        body = await arguments(request)
        answer(state, state.responses.use(request.path_params["key"]), body)
    except SlackError as refusal:
        state.journal.add("response_url", request.url.path.split("/")[1], body=body, error=refusal.error)
        status = 404 if refusal.error in ("expired_url", "used_url") else 400
        return JSONResponse(refusal.body(), status)
    state.journal.add("response_url", request.url.path.split("/")[1], body=body, error="")
    return JSONResponse({"ok": True})
