"""Parses request bodies: JSON, URL-encoded and multipart forms."""

from __future__ import annotations

import json
from email.message import Message
from email.parser import BytesParser
from urllib.parse import parse_qsl

from starlette.requests import Request

from bot.lab.slack_workspace.model import Json, SlackError

MOST_BYTES = 60 * 1024 * 1024


async def body_of(request: Request) -> bytes:
    """Reads the body, up to 60 MiB; raises request_too_large."""
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > MOST_BYTES:
            raise SlackError("request_too_large")
    return bytes(received)


def _parts(content_type: str, body: bytes) -> list[tuple[str, bytes]]:
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    parts: list[tuple[str, bytes]] = []
    for part in BytesParser().parsebytes(head + body).walk():
        content = part.get_payload(decode=True)
        if isinstance(content, bytes) and not part.is_multipart():
            parts.append((_name(part), content))
    return parts


def _name(part: Message) -> str:
    return str(part.get_param("name", "", header="content-disposition"))


async def arguments(request: Request) -> Json:
    """Returns the arguments of a call from its URL and body; raises SlackError for a body that is not valid."""
    args: Json = dict(request.query_params)
    content_type = request.headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    body = await body_of(request)
    if kind == "application/json":
        try:
            given = json.loads(body or b"{}")
        except ValueError as problem:
            raise SlackError("invalid_json") from problem
        if not isinstance(given, dict):
            raise SlackError("json_not_object")
        return args | given
    if kind == "multipart/form-data":
        return args | {name: content.decode(errors="replace") for name, content in _parts(content_type, body)}
    if kind in ("application/x-www-form-urlencoded", ""):
        return args | dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    raise SlackError("invalid_post_type")


async def file_content(request: Request) -> bytes:
    """Returns the content of an uploaded file, sent as the body or as the only part of a multipart form."""
    content_type = request.headers.get("content-type", "")
    body = await body_of(request)
    if content_type.lower().startswith("multipart/form-data"):
        parts = _parts(content_type, body)
        return parts[0][1] if parts else b""
    return body
