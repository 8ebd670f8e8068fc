"""The chat.* methods and reactions.add."""

from __future__ import annotations

from bot.lab.slack_workspace.block_kit.block_rules import MOST_TEXT, check_blocks, text_length, with_ids
from bot.lab.slack_workspace.model import Channel, Json, JsonValue, SlackError
from bot.lab.slack_workspace.web_api.api_call import ApiCall

MOST_POSTED = 40_000
MOST_UPDATED = 4_000
MOST_METADATA = 8_000


def reachable(call: ApiCall, name: str = "channel") -> Channel:
    """Returns the channel of a call that posts; raises channel_not_found, is_archived or not_in_channel."""
    channel = call.state.channel(call.args.get(name))
    if channel.is_archived:
        raise SlackError("is_archived")
    if call.bot.user_id not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def _invalid_blocks(violations: list[str]) -> SlackError:
    return SlackError("invalid_blocks", errors=violations, response_metadata={"messages": violations})


def checked_blocks(blocks: JsonValue) -> list[Json]:
    """Returns the blocks with ids; raises invalid_blocks_format, invalid_blocks or msg_blocks_too_long."""
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    violations = check_blocks(blocks)
    if violations:
        raise _invalid_blocks(violations)
    if text_length(blocks) > MOST_TEXT:
        raise SlackError("msg_blocks_too_long")
    return with_ids(blocks)


def checked_attachments(attachments: JsonValue) -> list[Json]:
    """Returns the attachments with ids, hex colours and checked blocks; raises SlackError if one is invalid."""
    if not isinstance(attachments, list) or not all(isinstance(item, dict) for item in attachments):
        raise SlackError("invalid_attachments")
    if len(attachments) > 100:
        raise SlackError("too_many_attachments")
    named = {"good": "2eb886", "warning": "daa038", "danger": "a30200"}
    kept = []
    for number, attachment in enumerate(attachments, 1):
        one = {"id": number, **attachment}
        if "color" in one:
            one["color"] = named.get(str(one["color"]), str(one["color"]).removeprefix("#"))
        if "blocks" in one:
            one["blocks"] = checked_blocks(one["blocks"])
        kept.append(one)
    return kept


def _metadata(call: ApiCall) -> Json | None:
    metadata = call.structure("metadata", "invalid_metadata_format")
    if metadata is None:
        return None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_type"), str):
        raise SlackError("invalid_metadata_format")
    if not isinstance(metadata.get("event_payload"), dict):
        raise SlackError("invalid_metadata_schema")
    if len(str(metadata)) > MOST_METADATA:
        raise SlackError("metadata_too_large")
    return {"event_type": metadata["event_type"], "event_payload": metadata["event_payload"]}


def content(call: ApiCall, longest: int) -> Json:
    """Returns the text, blocks and attachments of a call; raises SlackError if they are missing or invalid."""
    told: Json = {"text": call.text("text")}
    if len(told["text"]) > longest:
        raise SlackError("msg_too_long")
    blocks = call.structure("blocks", "invalid_blocks_format")
    if blocks is not None:
        told["blocks"] = checked_blocks(blocks)
    attachments = call.structure("attachments", "invalid_attachments")
    if attachments is not None:
        told["attachments"] = checked_attachments(attachments)
    if not (told["text"] or told.get("blocks") or told.get("attachments")):
        raise SlackError("no_text")
    return told


def authored(call: ApiCall) -> Json:
    """Returns the fields that identify the author of a message."""
    bot = call.bot
    told: Json = {"bot_id": bot.id, "app_id": bot.app_id, "team": call.state.team_id}
    if bot.as_bot_message:
        return {**told, "subtype": "bot_message", "username": call.text("username", bot.name)}
    return {**told, "user": bot.user_id, "bot_profile": bot.profile(call.state.team_id)}


def post_message(call: ApiCall) -> Json:
    """chat.postMessage."""
    channel = reachable(call)
    message = {**authored(call), **content(call, MOST_POSTED)}
    metadata = _metadata(call)
    thread = call.text("thread_ts")
    if thread:
        parent = call.state.messages.find(channel.id, thread)
        if parent is None:
            raise SlackError("thread_not_found")
        message["thread_ts"] = parent.get("thread_ts", thread)
        if call.flag("reply_broadcast"):
            message["subtype"] = "thread_broadcast"
    if wait := call.state.limits.wait_for_channel(call.bot.app_id, channel.id):
        raise SlackError("ratelimited", retry_after=wait)
    if metadata:
        message["metadata"] = metadata
    kept = call.state.messages.post(channel.id, message)
    return {"channel": channel.id, "ts": kept["ts"], "message": kept}


def update(call: ApiCall) -> Json:
    """chat.update: text without blocks removes the blocks; attachments and metadata are kept unless given."""
    channel = reachable(call)
    message = call.state.messages.get(channel.id, call.text("ts"))
    if message.get("bot_id") != call.bot.id:
        raise SlackError("cant_update_message")
    change = content(call, MOST_UPDATED)
    if not change["text"] and "blocks" not in change:
        change["text"] = message.get("text", "")
    change["blocks"] = change.get("blocks") or None
    if metadata := _metadata(call):
        change["metadata"] = metadata
    if change["text"] != message.get("text"):
        change["edited"] = {"user": call.bot.user_id, "ts": f"{int(call.state.clock())}.000000"}
    kept = call.state.messages.update(channel.id, message["ts"], change)
    return {"channel": channel.id, "ts": kept["ts"], "text": kept.get("text", ""), "message": kept}


def post_ephemeral(call: ApiCall) -> Json:
    """chat.postEphemeral."""
    channel = reachable(call)
    user = call.state.user(call.args.get("user"))
    if user.id not in channel.members:
        raise SlackError("user_not_in_channel")
    message = {**authored(call), **content(call, MOST_POSTED)}
    if call.text("thread_ts"):
        message["thread_ts"] = call.text("thread_ts")
    return {"message_ts": call.state.messages.show_to(user.id, channel.id, message)["ts"]}


def delete(call: ApiCall) -> Json:
    """chat.delete."""
    channel = reachable(call)
    message = call.state.messages.get(channel.id, call.text("ts"))
    if message.get("bot_id") != call.bot.id:
        raise SlackError("cant_delete_message")
    call.state.messages.delete(channel.id, message["ts"])
    return {"channel": channel.id, "ts": message["ts"]}


def get_permalink(call: ApiCall) -> Json:
    """chat.getPermalink."""
    channel = call.state.channel(call.args.get("channel"))
    message = call.state.messages.get(channel.id, call.text("message_ts"))
    ts, thread = message["ts"], message.get("thread_ts")
    link = f"{call.state.url}/archives/{channel.id}/p{ts.replace('.', '')}"
    if thread and thread != ts:
        link += f"?thread_ts={thread}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def add_reaction(call: ApiCall) -> Json:
    """reactions.add."""
    channel = reachable(call)
    message = call.state.messages.get(channel.id, call.text("timestamp"))
    name = call.required("name").strip(":")
    reactions = [dict(reaction) for reaction in message.get("reactions", [])]
    same = next((reaction for reaction in reactions if reaction["name"] == name), None)
    if same is None:
        reactions.append({"name": name, "users": [call.bot.user_id], "count": 1})
    elif call.bot.user_id in same["users"]:
        raise SlackError("already_reacted")
    else:
        same["users"] = [*same["users"], call.bot.user_id]
        same["count"] += 1
    message["reactions"] = reactions
    news = {"type": "changed", "channel": channel.id, "ts": message["ts"], "thread_ts": message.get("thread_ts")}
    call.state.hub.publish(news)
    return {}
