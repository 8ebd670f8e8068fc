"""Parses one YAML document into plain values, with the position of every key and value, within fixed size limits.

Scalars follow YAML 1.2: only `true` and `false` are booleans, so `on:` is a key and `No` is text. Anchors, aliases,
merge keys and tags are rejected, because they make a runbook hard to read.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml
from yaml.events import AliasEvent, Event, MappingStartEvent, ScalarEvent, SequenceStartEvent

from bot.runbook.language.findings import Finding, Path, Problem, RunbookRefused
from bot.runbook.language.scalar_offsets import advance, raw_offset

MAX_BYTES = 256 * 1024
"""The size limit of a runbook file, in bytes."""
MAX_DEPTH = 20
MAX_VALUES = 20_000

_TOO_LARGE = f"File exceeds the limit of {MAX_BYTES:,} bytes"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,2})?")
_KEYWORDS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAB_INDENT = re.compile(r"^ *(\t)[ \t]*(?=\S)", re.MULTILINE)
_BOMS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}

Position: TypeAlias = tuple[int, int, int, int]
"""Line and column (from 1), and the start and end offsets in the text, which are equal for a mapping or a list."""


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed document, with the position of the key and of the value at every path."""

    file: str
    text: str
    value: Any = None
    keys: dict[Path, Position] = field(default_factory=dict)
    values: dict[Path, Position] = field(default_factory=dict)

    def finding(self, problem: Problem) -> Finding:
        """Returns a problem as a finding at its line and column."""
        line, column = self.position(problem.path, offset=problem.offset, on_key=problem.on_key)
        return Finding(self.file, line, column, problem.rule, problem.message, problem.suggestion)

    def position(self, path: Path, *, offset: int | None = None, on_key: bool = False) -> tuple[int, int]:
        """Returns line and column of a path, or of its closest ancestor that the document contains.

        For a scalar, the position is that of the value, at `offset` characters into it; for a mapping or a list, that
        of its key.
        """
        while path and path not in self.values:
            path, offset = path[:-1], None
        if path not in self.values:
            return 1, 1
        line, column, begin, end = self.values[path]
        if path in self.keys and (on_key or begin == end):
            return self.keys[path][:2]
        if offset is None or begin == end:
            return line, column
        raw = self.text[begin:end]
        return advance(line, column, raw[: raw_offset(raw, str(self._value(path)), offset)])

    def _value(self, path: Path) -> object:
        found: Any = self.value
        for part in path:
            found = found[part]
        return found


def refusal(file: str, line: int, column: int, rule: str, message: str, suggestion: str = "") -> RunbookRefused:
    """Returns the error for one finding."""
    return RunbookRefused([Finding(file, line, column, rule, message, suggestion)])


def decode(raw: bytes, file: str) -> str:
    """Decodes the bytes of a file; raises RunbookRefused if it is too large or not UTF-8."""
    if len(raw) > MAX_BYTES:
        raise refusal(file, 1, 1, "too-large", _TOO_LARGE)
    for mark, encoding in _BOMS.items():
        if raw.startswith(mark):
            raise refusal(file, 1, 1, "not-utf8", f"File is encoded in {encoding}", "save it as UTF-8")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        message = f"Byte {raw[error.start]:#04x} is not valid UTF-8"
        raise refusal(file, line, column, "not-utf8", message, "save the file as UTF-8") from error


def read(text: str, file: str) -> Document:
    """Parses one YAML document; raises RunbookRefused."""
    text = text.removeprefix("\ufeff")
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise refusal(file, 1, 1, "too-large", _TOO_LARGE)
    _refuse_characters(text, file)
    reader = _Reader(Document(file, text))
    try:
        value = reader.document(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise refusal(file, line, column, "yaml-syntax", f"Invalid YAML: {_parser_message(error)}") from error
    except yaml.YAMLError as error:
        message = f"Invalid YAML: {error}".replace("\n", " ")
        raise refusal(file, 1, 1, "yaml-syntax", message) from error
    return Document(file, text, value, reader.found.keys, reader.found.values)


def _refuse_characters(text: str, file: str) -> None:
    """Rejects control characters and tabs as indentation, for which the parser's own messages are unclear."""
    found = _UNPRINTABLE.search(text)
    if found:
        line, column = advance(1, 1, text[: found.start()])
        message = f"Invalid YAML: character U+{ord(found[0]):04X} is not allowed"
        raise refusal(file, line, column, "yaml-syntax", message, "remove it or escape it in double quotes")
    found = _TAB_INDENT.search(text)
    if found:
        line, column = advance(1, 1, text[: found.start(1)])
        raise refusal(file, line, column, "tab-indent", "Line is indented with a tab", "use spaces")


def _parser_message(error: yaml.MarkedYAMLError) -> str:
    return " ".join(part for part in (error.problem, error.context) if part)


def _position(event: Event) -> Position:
    start: Any = event.start_mark
    end: Any = event.end_mark if isinstance(event, ScalarEvent) else start
    return start.line + 1, start.column + 1, start.index, end.index


@dataclass(slots=True)
class _Reader:
    """Builds values from the parser's events, up to MAX_DEPTH levels and MAX_VALUES values."""

    found: Document
    count: int = 0

    def document(self, events: Iterator[Event]) -> object:
        value: object = None
        seen = False
        for event in events:
            if isinstance(event, AliasEvent | ScalarEvent | SequenceStartEvent | MappingStartEvent):
                if seen:
                    raise self._at(event, "second-document", "File contains a second YAML document")
                seen = True
                value = self._value(event, events, (), 0)
        return value

    def _value(self, event: Event, events: Iterator[Event], path: Path, depth: int) -> object:
        self.found.values[path] = _position(event)
        self.count += 1
        if self.count > MAX_VALUES:
            raise self._at(event, "too-large", f"File contains more than {MAX_VALUES:,} values")
        if depth > MAX_DEPTH:
            raise self._at(event, "too-deep", f"Values are nested more than {MAX_DEPTH} levels deep")
        self._refuse_indirection(event)
        if isinstance(event, ScalarEvent):
            return event.value if not event.implicit[0] else _plain(event.value)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(events, path, depth)
        return self._mapping(events, path, depth)

    def _refuse_indirection(self, event: Event) -> None:
        anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
        if isinstance(event, AliasEvent):
            raise self._at(event, "anchor-or-alias", f"Alias *{anchor} is not allowed", "repeat the value")
        if anchor is not None:
            message = f"Anchor &{anchor} is not allowed"
            raise self._at(event, "anchor-or-alias", message, "repeat the value where it is used")
        if tag is not None:
            raise self._at(event, "yaml-tag", f"Tag {tag!r} is not allowed", "write a plain value")

    def _sequence(self, events: Iterator[Event], path: Path, depth: int) -> list[object]:
        items: list[object] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self._value(event, events, (*path, len(items)), depth + 1))
        return items

    def _mapping(self, events: Iterator[Event], path: Path, depth: int) -> dict[str, object]:
        entries: dict[str, object] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            if not isinstance(event, ScalarEvent):
                raise self._at(event, "yaml-syntax", "Key is not a scalar", "quote a text that begins with a brace")
            self._refuse_indirection(event)
            key = event.value
            if key == "<<":
                message = "Merge key << is not allowed"
                raise self._at(event, "anchor-or-alias", message, "repeat the values")
            here = (*path, key)
            if key in entries:
                first = self.found.keys[here][0]
                message = f"Duplicate key {key!r}; it is already defined in line {first}"
                raise self._at(event, "duplicate-key", message)
            self.found.keys[here] = _position(event)
            entries[key] = self._value(next(events), events, here, depth + 1)
        return entries

    def _at(self, event: Event, rule: str, message: str, suggestion: str = "") -> RunbookRefused:
        return refusal(self.found.file, *_position(event)[:2], rule, message, suggestion)


def _plain(text: str) -> object:
    """Returns the value of an unquoted scalar: null, a boolean, a number or text."""
    if text in _KEYWORDS:
        return _KEYWORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
