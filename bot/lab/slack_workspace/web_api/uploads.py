"""The files.* methods."""

from __future__ import annotations

from bot.lab.slack_workspace.files import MAX_BYTES, File
from bot.lab.slack_workspace.model import Channel, Json, SlackError
from bot.lab.slack_workspace.web_api.api_call import ApiCall
from bot.lab.slack_workspace.web_api.chat import authored, checked_blocks


def get_upload_url(call: ApiCall) -> Json:
    """files.getUploadURLExternal."""
    length = call.number("length", 0, MAX_BYTES + 1)
    if length > MAX_BYTES:
        raise SlackError("file_size_exceeded")
    file = call.state.files.announce(call.required("filename"), length, call.bot.user_id, call.text("alt_txt"))
    return {"upload_url": f"{call.state.url}/upload/v1/{file.ticket}", "file_id": file.id}


def complete_upload(call: ApiCall) -> Json:
    """files.completeUploadExternal: shares the files, with one message per channel."""
    given = call.structure("files", "invalid_arguments")
    if not isinstance(given, list) or not given or not all(isinstance(one, dict) for one in given):
        raise SlackError("invalid_arguments", response_metadata={"messages": ["[ERROR] missing required field: files"]})
    names = [name for name in (call.text("channels") or call.text("channel_id")).split(",") if name]
    channels = [call.state.channel(name) for name in names]
    if any(call.bot.user_id not in channel.members for channel in channels):
        raise SlackError("not_in_channel")
    files = [call.state.files.complete(str(one.get("id")), str(one.get("title") or "")) for one in given]
    for channel in channels:
        _share(call, channel, files)
    return {"files": [file.public(call.state.url) for file in files]}


def _share(call: ApiCall, channel: Channel, files: list[File]) -> None:
    thread = call.text("thread_ts")
    if thread and call.state.messages.find(channel.id, thread) is None:
        raise SlackError("invalid_thread_ts")
    message: Json = {**authored(call), "text": call.text("initial_comment"), "upload": False}
    blocks = call.structure("blocks", "invalid_blocks_format")
    if blocks:
        message["blocks"] = checked_blocks(blocks)
    if thread:
        message["thread_ts"] = thread
    ts = call.state.messages.new_ts()
    for file in files:
        share: Json = {"ts": ts, "channel_name": channel.name, "team_id": call.state.team_id, "reply_users": []}
        if thread:
            share["thread_ts"] = thread
        file.shares.setdefault(channel.id, []).append(share)
    kept = call.state.messages.post(channel.id, {**message, "files": [file.public(call.state.url) for file in files]})
    for file in files:
        file.shares[channel.id][-1]["ts"] = kept["ts"]


def file_info(call: ApiCall) -> Json:
    """files.info."""
    file = call.state.files.get(call.text("file"))
    return {"file": file.public(call.state.url), "comments": [], "response_metadata": {"next_cursor": ""}}
