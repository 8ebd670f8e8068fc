"""The actions of a person on the page or through /local/act: write, run a command, click, submit and so on."""

from __future__ import annotations

import html
import re
from collections.abc import Awaitable, Callable

from bot.lab.slack_workspace.app_delivery import payloads
from bot.lab.slack_workspace.app_delivery.app_replies import carry_out_reply
from bot.lab.slack_workspace.app_delivery.delivery import DeliveryResult
from bot.lab.slack_workspace.app_delivery.response_urls import ResponseTarget
from bot.lab.slack_workspace.block_kit.block_rules import interactive
from bot.lab.slack_workspace.block_kit.element_values import InvalidUserAction, chosen, missing, values_of
from bot.lab.slack_workspace.model import Channel, Json, SlackError, User
from bot.lab.slack_workspace.open_views import OpenView
from bot.lab.slack_workspace.web_api.modals import checked_view
from bot.lab.slack_workspace.workspace_state import WorkspaceState

_KEPT = re.compile(r"&lt;((?:@U|#C|!subteam\^S)[A-Z0-9]+)(?:\|[^&<>]*)?&gt;")


def as_stored_text(state: WorkspaceState, text: str) -> str:
    """Returns a text as Slack stores it: & < > escaped, and @name and #channel replaced by references."""
    text = _KEPT.sub(r"<\1>", html.escape(text, quote=False))
    for user in state.users.values():
        text = re.sub(rf"(?<![\w<@])@(?:{re.escape(user.real_name)}|{re.escape(user.name)})\b", f"<@{user.id}>", text)
    for group in state.usergroups.values():
        text = re.sub(rf"(?<![\w<@])@{re.escape(group.handle)}\b", f"<!subteam^{group.id}>", text)
    for channel in state.channels.values():
        text = re.sub(rf"(?<![\w<#])#{re.escape(channel.name)}\b", f"<#{channel.id}>", text)
    return re.sub(r"(?<![\w<@])@(here|channel|everyone)\b", r"<!\1>", text)


async def act(state: WorkspaceState, given: Json) -> Json:
    """Performs the action `kind` as `user`; raises InvalidUserAction if it is impossible, SlackError for unknown names.

    Returns ok, acked, error, the ephemeral messages from the ack itself, and the view that the user then has open.
    """
    user = state.user(given.get("user"))
    action = USER_ACTIONS.get(str(given.get("kind")))
    if action is None:
        raise InvalidUserAction(f"`kind` must be one of {', '.join(USER_ACTIONS)}.")
    before = len(state.messages.seen_by(user.id))
    told = await action(state, user, given)
    top = state.views.top(user.id)
    return {
        "ok": True,
        **told,
        "ephemerals": state.messages.seen_by(user.id)[before:],
        "view": None if top is None else {**top.view, "errors": top.errors},
    }


def _delivery_answer(result: DeliveryResult) -> Json:
    return {"ok": result.acked, "acked": result.acked, "error": result.error, "response": result.payload}


def _channel_of(state: WorkspaceState, user: User, given: Json) -> Channel:
    channel = state.channel(given.get("channel"))
    if user.id not in channel.members:
        raise InvalidUserAction(f"{user.real_name} is not a member of #{channel.name}.")
    return channel


async def _write_message(state: WorkspaceState, user: User, given: Json) -> Json:
    channel = _channel_of(state, user, given)
    text = str(given.get("text") or "").strip()
    if not text:
        raise InvalidUserAction("The message has no text.")
    message: Json = {"user": user.id, "team": user.team_id, "text": as_stored_text(state, text)}
    if thread := str(given.get("thread_ts") or ""):
        state.messages.get(channel.id, thread)
        message["thread_ts"] = thread
    return {"ts": state.messages.post(channel.id, message)["ts"]}


async def _run_command(state: WorkspaceState, user: User, given: Json) -> Json:
    channel = _channel_of(state, user, given)
    if given.get("thread_ts"):
        raise InvalidUserAction("Slash commands cannot be used in threads.")
    line = f"{given.get('command') or ''} {given.get('text') or ''}".strip()
    name, _, text = line.partition(" ")
    if name not in state.manifest.commands:
        _slackbot(
            state, user, channel, f"`{name}` is not a valid command. Commands: {', '.join(state.manifest.commands)}"
        )
        return {"ok": False, "acked": False, "error": "unknown_command"}
    text = as_stored_text(state, text.strip()) if name in state.manifest.escaped else text.strip()
    payload = payloads.command(state, user, channel, name, text)
    result = await state.delivery.ask("slash_commands", name, payload)
    if not result.acked:
        _slackbot(state, user, channel, f'{name} failed with the error "{result.error}"')
    elif result.payload:
        body: Json = {"text": result.payload} if isinstance(result.payload, str) else result.payload
        if body.get("text") or body.get("blocks") or body.get("attachments"):
            carry_out_reply(state, ResponseTarget(user.id, channel.id, state.clock()), body)
    return _delivery_answer(result)


def _slackbot(state: WorkspaceState, user: User, channel: Channel, text: str) -> None:
    state.messages.show_to(user.id, channel.id, {"user": "USLACKBOT", "username": "Slackbot", "text": text})


def _element(blocks: list[Json], given: Json) -> tuple[Json, Json]:
    for block in blocks:
        if given.get("block_id") in (None, "", block.get("block_id")):
            for element in interactive(block):
                if element["action_id"] == given.get("action_id"):
                    return block, element
    offered = ", ".join(element["action_id"] for block in blocks for element in interactive(block)) or "none"
    raise InvalidUserAction(f"The message has no element {given.get('action_id')}; its elements: {offered}.")


def _action(state: WorkspaceState, block: Json, element: Json, value: object) -> Json:
    told = {"type": element["type"], "block_id": block["block_id"], "action_id": element["action_id"]}
    if element["type"] == "button":
        if value is not None and value != element.get("value"):
            raise InvalidUserAction(
                f"The value of the button {element['action_id']} is {element.get('value')}, not {value}."
            )
        told |= {name: element[name] for name in ("text", "value", "style", "url") if name in element}
    else:
        told |= chosen(element, value)
    return {**told, "action_ts": state.messages.new_ts()}


async def _click(state: WorkspaceState, user: User, given: Json) -> Json:
    value = given.get("value")
    if given.get("view_id"):
        view = state.views.find(str(given["view_id"])).view
        block, element = _element(view["blocks"], given)
        payload = payloads.view_click(state, user, view, _action(state, block, element, value))
        return _delivery_answer(await state.delivery.ask("interactive", str(element["action_id"]), payload))
    channel = _channel_of(state, user, given)
    ts = str(given.get("ts"))
    message = state.messages.ephemeral_at(user.id, channel.id, ts) or state.messages.get(channel.id, ts)
    if message.get("bot_id") != state.app.id:
        raise InvalidUserAction("This message is not from the app that receives clicks.")
    drawn = [*message.get("blocks", []), *(b for a in message.get("attachments", []) for b in a.get("blocks", []))]
    # A client that has not redrawn yet still shows the buttons of an earlier revision.
    blocks = given.get("seen") or drawn
    block, element = _element(blocks, given)
    values = values_of(blocks, given.get("values") or {})
    payload = payloads.click(state, user, channel, message, _action(state, block, element, value), values)
    return _delivery_answer(await state.delivery.ask("interactive", str(element["action_id"]), payload))


async def _shortcut(state: WorkspaceState, user: User, given: Json) -> Json:
    callback_id = str(given.get("callback_id"))
    if given.get("ts"):
        channel = _channel_of(state, user, given)
        message = state.messages.get(channel.id, str(given["ts"]))
        payload = payloads.message_shortcut(state, user, channel, message, callback_id)
    else:
        payload = payloads.global_shortcut(state, user, callback_id)
    return _delivery_answer(await state.delivery.ask("interactive", callback_id, payload))


def _own_view(state: WorkspaceState, user: User, given: Json) -> OpenView:
    opened = state.views.find(str(given["view_id"])) if given.get("view_id") else state.views.top(user.id)
    if opened is None or opened.user != user.id:
        raise InvalidUserAction(f"{user.real_name} does not have this view open.")
    return opened


async def _submit(state: WorkspaceState, user: User, given: Json) -> Json:
    opened = _own_view(state, user, given)
    values = values_of(opened.view["blocks"], given.get("values") or {})
    opened.errors = missing(opened.view["blocks"], values)
    if opened.errors:
        return {"ok": False, "acked": False, "error": "incomplete", "errors": opened.errors}
    opened.view = {**opened.view, "state": {"values": values}}
    payload = payloads.submission(state, user, opened.view)
    result = await state.delivery.ask("interactive", opened.view["callback_id"] or "view_submission", payload)
    if result.acked:
        _respond(state, opened, result.payload if isinstance(result.payload, dict) else {})
    else:
        opened.errors = {"": f"We had some trouble connecting ({result.error}). Try again?"}
    state.hub.publish({"type": "view", "user": user.id})
    return {**_delivery_answer(result), "errors": opened.errors}


def _respond(state: WorkspaceState, opened: OpenView, response: Json) -> None:
    action = response.get("response_action")
    try:
        if action == "errors":
            opened.errors = {str(block): str(text) for block, text in (response.get("errors") or {}).items()}
        elif action == "update":
            state.views.replace(opened, checked_view(response.get("view")))
        elif action == "push":
            state.views.push(opened.user, checked_view(response.get("view")))
        elif action == "clear":
            state.views.clear(opened.user)
        else:
            state.views.close(opened)
    except SlackError as refusal:
        opened.errors = {"": f"The app's answer is not valid: {refusal.error} {refusal.extra or ''}"}


async def _close(state: WorkspaceState, user: User, given: Json) -> Json:
    opened = _own_view(state, user, given)
    state.views.close(opened)
    state.hub.publish({"type": "view", "user": user.id})
    if opened.view.get("notify_on_close"):
        payload = payloads.closed(state, user, opened.view, is_cleared=False)
        return _delivery_answer(await state.delivery.ask("interactive", "view_closed", payload))
    return {}


async def _dismiss(state: WorkspaceState, user: User, given: Json) -> Json:
    message = state.messages.ephemeral_at(user.id, state.channel(given.get("channel")).id, str(given.get("ts")))
    if message is not None:
        state.messages.replace_ephemeral(message, None)
    return {}


USER_ACTIONS: dict[str, Callable[[WorkspaceState, User, Json], Awaitable[Json]]] = {
    "message": _write_message,
    "command": _run_command,
    "click": _click,
    "shortcut": _shortcut,
    "submit_view": _submit,
    "close_view": _close,
    "dismiss": _dismiss,
}
