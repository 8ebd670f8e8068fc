"""UTF-8 that reads any bytes: a server may return some that are none, such as a statement with binary literals."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

LENIENT = "firstmate_lenient"
"""The name of the encoding; it is known once this module is imported."""


def _decode(data: ReadableBuffer, errors: str = "strict", /) -> tuple[str, int]:
    return codecs.utf_8_decode(data, "backslashreplace", True)


def _find(name: str) -> codecs.CodecInfo | None:
    if name != LENIENT:
        return None
    return codecs.CodecInfo(codecs.utf_8_encode, _decode, name=LENIENT)


codecs.register(_find)
