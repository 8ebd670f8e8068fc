"""The reading conversations.* methods."""

from __future__ import annotations

from bot.lab.slack_workspace.model import Channel, Json, SlackError
from bot.lab.slack_workspace.web_api.api_call import ApiCall


def _readable(call: ApiCall) -> Channel:
    channel = call.state.channel(call.args.get("channel"))
    if call.bot.user_id not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def _shown(message: Json, with_metadata: bool) -> Json:
    return {name: value for name, value in message.items() if with_metadata or name != "metadata"}


def _between(call: ApiCall, ts: str) -> bool:
    oldest, latest = call.text("oldest", "0"), call.text("latest", "99999999999")
    try:
        moment, begin, end = float(ts), float(oldest), float(latest)
    except ValueError as problem:
        raise SlackError("invalid_ts_oldest") from problem
    if call.flag("inclusive"):
        return begin <= moment <= end
    return begin < moment < end


def _answer(call: ApiCall, messages: list[Json], limit: int) -> Json:
    page, cursor = call.page(messages, limit)
    with_metadata = call.flag("include_all_metadata")
    told: Json = {"messages": [_shown(message, with_metadata) for message in page], "has_more": bool(cursor)}
    if cursor:
        told["response_metadata"] = {"next_cursor": cursor}
    return told


def info(call: ApiCall) -> Json:
    """conversations.info."""
    channel = call.state.channel(call.args.get("channel"))
    return {"channel": channel.public(call.state.team_id, call.bot.user_id)}


def list_all(call: ApiCall) -> Json:
    """conversations.list."""
    channels = [
        channel.public(call.state.team_id, call.bot.user_id)
        for channel in call.state.channels.values()
        if not (call.flag("exclude_archived") and channel.is_archived)
    ]
    page, cursor = call.page(channels, call.number("limit", 100, 1000))
    return {"channels": page, "response_metadata": {"next_cursor": cursor}}


def history(call: ApiCall) -> Json:
    """conversations.history: newest first, without replies."""
    channel = _readable(call)
    messages = [
        message
        for message in call.state.messages.all(channel.id)
        if message.get("thread_ts", message["ts"]) == message["ts"] or message.get("subtype") == "thread_broadcast"
        if _between(call, message["ts"])
    ]
    return {**_answer(call, messages[::-1], call.number("limit", 100, 999)), "pin_count": 0}


def replies(call: ApiCall) -> Json:
    """conversations.replies: the first message of the thread, then its replies, oldest first."""
    channel = _readable(call)
    first = call.state.messages.find(channel.id, call.text("ts"))
    if first is None:
        raise SlackError("thread_not_found")
    thread = str(first.get("thread_ts", first["ts"]))
    parent = call.state.messages.find(channel.id, thread) or first
    rest = [message for message in call.state.messages.replies(channel.id, thread) if _between(call, message["ts"])]
    return _answer(call, [parent, *rest], call.number("limit", 1000, 1000))


def members(call: ApiCall) -> Json:
    """conversations.members."""
    channel = call.state.channel(call.args.get("channel"))
    everyone: list[Json] = [{"id": user} for user in sorted(channel.members)]
    page, cursor = call.page(everyone, call.number("limit", 100, 1000))
    return {"members": [member["id"] for member in page], "response_metadata": {"next_cursor": cursor}}
