"""One YAML document as plain values, with the line of every one of them; bounded, whatever the text is.

Scalars are read as YAML 1.2 does: only `true` and `false` are booleans, so that `on:` is a key and `No` is text.
Anchors, aliases, merge keys and tags are refused: a runbook is read by people, and each of them hides what it says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml
from yaml.events import AliasEvent, Event, MappingStartEvent, ScalarEvent, SequenceStartEvent

from bot.errors import RunbookError

MAX_BYTES = 256 * 1024
"""The largest runbook file."""
MAX_DEPTH = 20
MAX_VALUES = 20_000

Path: TypeAlias = tuple[str | int, ...]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,2})?")
_WORDS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True, slots=True)
class Document:
    """A document: its values, and for each path into them the line (from 1) where it stands."""

    file: str
    value: Any
    lines: dict[Path, int] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """The line of a path, or of the nearest place above it that the document has."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def error(self, path: Path, says: str) -> RunbookError:
        """An error at a path."""
        return RunbookError(f"{self.file}:{self.line(path)}: {says}")


def decode(raw: bytes, file: str) -> str:
    """Decodes the bytes of a file; raises RunbookError for one that is too large or is not UTF-8."""
    if len(raw) > MAX_BYTES:
        raise RunbookError(f"{file}:1: the file has {len(raw):,} bytes; a runbook has at most {MAX_BYTES:,}.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise RunbookError(
            f"{file}:{line}: byte {raw[error.start]:#04x} is not UTF-8; save the file as UTF-8."
        ) from error


def read(text: str, file: str) -> Document:
    """Reads one YAML document; raises RunbookError with file:line."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise RunbookError(f"{file}:1: the file is larger than {MAX_BYTES:,} bytes, the most that a runbook may have.")
    _refuse_tabs(text, file)
    reader = _Reader(Document(file, None))
    try:
        value = reader.document(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        raise RunbookError(f"{file}:{_line_of(error)}: this is not YAML: {_problem(error)}.") from error
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        raise RunbookError(f"{file}:1: this is not YAML: {error}".replace("\n", " ")) from error
    return Document(file, value, reader.found.lines)


def _refuse_tabs(text: str, file: str) -> None:
    """YAML forbids tabs as indentation; the parser's own words for it help nobody."""
    for number, line in enumerate(text.splitlines(), 1):
        if "\t" in line[: len(line) - len(line.lstrip())]:
            raise RunbookError(f"{file}:{number}: a tab indents this line; YAML takes spaces only.")


def _line_of(error: yaml.MarkedYAMLError) -> int:
    mark = error.problem_mark or error.context_mark
    return mark.line + 1 if mark else 1


def _problem(error: yaml.MarkedYAMLError) -> str:
    return " ".join(part for part in (error.problem, error.context) if part)


def _line(event: Event) -> int:
    mark: Any = event.start_mark
    return int(mark.line) + 1


@dataclass
class _Reader:
    """Builds values from the parser's events; deeper or longer documents than a person writes are refused."""

    found: Document
    count: int = 0

    def document(self, events: Iterator[Event]) -> object:
        value: object = None
        seen = False
        for event in events:
            if isinstance(event, AliasEvent | ScalarEvent | SequenceStartEvent | MappingStartEvent):
                if seen:
                    raise self._at(event, "a second document begins here; a runbook file holds one.")
                seen = True
                value = self._value(event, events, (), 0)
        return value

    def _value(self, event: Event, events: Iterator[Event], path: Path, depth: int) -> object:
        self.found.lines.setdefault(path, _line(event))
        self.count += 1
        if self.count > MAX_VALUES:
            raise self._at(event, f"the file holds more than {MAX_VALUES:,} values.")
        if depth > MAX_DEPTH:
            raise self._at(event, f"the values are nested more than {MAX_DEPTH} deep.")
        if isinstance(event, AliasEvent):
            raise self._at(event, f"*{event.anchor} is an alias; runbooks take none, write the value out.")
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            raise self._at(event, f"&{anchor} is an anchor; runbooks take none, write the value out where it is used.")
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise self._at(event, f"the tag {tag!r} is not taken; write a plain value.")
        if isinstance(event, ScalarEvent):
            return event.value if not event.implicit[0] else _plain(event.value)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(events, path, depth)
        return self._mapping(events, path, depth)

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
            if not isinstance(event, ScalarEvent) or event.anchor or event.tag:
                raise self._at(event, "a key must be plain text.")
            key = event.value
            if key == "<<":
                raise self._at(event, "<< is a merge key; runbooks take none, write the values out.")
            if key in entries:
                first = self.found.lines[(*path, key)]
                raise self._at(event, f"the key {key!r} stands here a second time; the first is in line {first}.")
            self.found.lines[(*path, key)] = _line(event)
            entries[key] = self._value(next(events), events, (*path, key), depth + 1)
        return entries

    def _at(self, event: Event, says: str) -> RunbookError:
        return RunbookError(f"{self.found.file}:{_line(event)}: {says}")


def _plain(text: str) -> object:
    """An unquoted scalar: null, boolean, number, or text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
