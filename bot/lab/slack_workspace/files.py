"""Files: their upload in three steps, as with files.getUploadURLExternal, and where they are shared."""

from __future__ import annotations

import mimetypes
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.lab.slack_workspace.model import Json, SlackError

MAX_BYTES = 50 * 1024 * 1024
INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


@dataclass(slots=True)
class File:
    """One file: its content, and the messages that share it."""

    id: str
    name: str
    length: int
    user: str
    created: float
    ticket: str
    alt_text: str = ""
    title: str = ""
    content: bytes | None = None
    completed: bool = False
    shares: dict[str, list[Json]] = field(default_factory=dict)

    @property
    def mimetype(self) -> str:
        """The MIME type, derived from the file name."""
        return mimetypes.guess_type(self.name)[0] or "text/plain"

    def public(self, base_url: str) -> Json:
        """Returns the `file` object of files.info."""
        extension = self.name.rpartition(".")[2].lower() if "." in self.name else "txt"
        url = f"{base_url}/files/{self.id}/download"
        return {
            "id": self.id,
            "created": int(self.created),
            "timestamp": int(self.created),
            "name": self.name,
            "title": self.title or self.name,
            "mimetype": self.mimetype,
            "filetype": extension,
            "pretty_type": extension.upper(),
            "user": self.user,
            "mode": "hosted" if self.mimetype in INLINE else "snippet",
            "editable": False,
            "size": len(self.content or b""),
            "is_external": False,
            "is_public": True,
            "alt_txt": self.alt_text,
            "url_private": url,
            "url_private_download": url,
            "permalink": url,
            "channels": list(self.shares),
            "shares": {"public": self.shares} if self.shares else {},
        }


class Files:
    """All files of the workspace."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.by_id: dict[str, File] = {}

    def announce(self, name: str, length: int, user: str, alt_text: str) -> File:
        """Starts an upload; returns the file with the ticket of its upload URL."""
        file_id = "F" + secrets.token_hex(5).upper()
        file = File(file_id, name, length, user, self._clock(), secrets.token_urlsafe(24), alt_text)
        self.by_id[file_id] = file
        return file

    def receive(self, ticket: str, content: bytes) -> File:
        """Stores the content of an announced file; raises SlackError when the ticket or the length is wrong."""
        for file in self.by_id.values():
            if file.ticket == ticket and file.content is None:
                if len(content) != file.length:
                    raise SlackError("invalid_upload_length", wanted=file.length, got=len(content))
                file.content = content
                return file
        raise SlackError("invalid_upload_ticket")

    def complete(self, file_id: str, title: str) -> File:
        """Completes an upload; raises file_not_found for an unknown file or one without content."""
        file = self.by_id.get(file_id)
        if file is None or file.content is None:
            raise SlackError("file_not_found")
        if file.completed:
            raise SlackError("file_already_completed")
        file.title = title or file.title
        file.completed = True
        return file

    def get(self, file_id: str) -> File:
        """Returns a file whose upload is complete; raises file_not_found."""
        file = self.by_id.get(file_id)
        if file is None or not file.completed:
            raise SlackError("file_not_found")
        return file
