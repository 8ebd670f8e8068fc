"""One YAML document as plain values, with the place of every key and value; bounded, whatever the text is.

Scalars are read as YAML 1.2 does: only `true` and `false` are booleans, so that `on:` is a key and `No` is text.
Anchors, aliases, merge keys and tags are refused: a runbook is read by people, and each of them hides what it says.
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
from bot.runbook.language.scalar_positions import advance, raw_offset

MAX_BYTES = 256 * 1024
"""The largest runbook file."""
MAX_DEPTH = 20
MAX_VALUES = 20_000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,2})?")
_WORDS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAB_INDENT = re.compile(r"^ *(\t)[ \t]*(?=\S)", re.MULTILINE)
_BOMS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}

Place: TypeAlias = tuple[int, int, int, int]
"""Line and column from 1, and the offsets in the text where it begins and ends; equal ones for a mapping or a list."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document: its values, and for each path into them where its key and its value stand."""

    file: str
    text: str
    value: Any = None
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)

    def finding(self, problem: Problem) -> Finding:
        """A problem with its place in the file."""
        line, column = self.place(problem.path, at=problem.at, on_key=problem.on_key)
        return Finding(self.file, line, column, problem.rule, problem.says, problem.suggestion)

    def place(self, path: Path, *, at: int | None = None, on_key: bool = False) -> tuple[int, int]:
        """Line and column of a path, or of the nearest place above it that the document has.

        A scalar's place is its own, that of a mapping or list is its key's. `at` is a character of the scalar's value.
        """
        while path and path not in self.values:
            path, at = path[:-1], None
        if path not in self.values:
            return 1, 1
        line, column, begin, end = self.values[path]
        if path in self.keys and (on_key or begin == end):
            return self.keys[path][:2]
        if at is None or begin == end:
            return line, column
        raw = self.text[begin:end]
        return advance(line, column, raw[: raw_offset(raw, str(self._value(path)), at)])

    def _value(self, path: Path) -> object:
        found: Any = self.value
        for part in path:
            found = found[part]
        return found


def refusal(file: str, line: int, column: int, rule: str, says: str, suggestion: str = "") -> RunbookRefused:
    """The error of one finding."""
    return RunbookRefused([Finding(file, line, column, rule, says, suggestion)])


def decode(raw: bytes, file: str) -> str:
    """Decodes the bytes of a file; raises RunbookRefused for one that is too large or is not UTF-8."""
    if len(raw) > MAX_BYTES:
        raise refusal(file, 1, 1, "too-large", f"the file has more than {MAX_BYTES:,} bytes, the most of a runbook")
    for mark, encoding in _BOMS.items():
        if raw.startswith(mark):
            raise refusal(file, 1, 1, "not-utf8", f"the file is {encoding}", "save it as UTF-8")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        says = f"the byte {raw[error.start]:#04x} is not UTF-8"
        raise refusal(file, line, column, "not-utf8", says, "save the file as UTF-8") from error


def read(text: str, file: str) -> Document:
    """Reads one YAML document; raises RunbookRefused with its place."""
    text = text.removeprefix("\ufeff")
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise refusal(file, 1, 1, "too-large", f"the file has more than {MAX_BYTES:,} bytes, the most of a runbook")
    _refuse_characters(text, file)
    reader = _Reader(Document(file, text))
    try:
        value = reader.document(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise refusal(file, line, column, "yaml-syntax", f"this is not YAML: {_problem(error)}") from error
    except yaml.YAMLError as error:
        says = f"this is not YAML: {error}".replace("\n", " ")
        raise refusal(file, 1, 1, "yaml-syntax", says) from error
    return Document(file, text, value, reader.found.keys, reader.found.values)


def _refuse_characters(text: str, file: str) -> None:
    """Control characters, and tabs that indent; the parser's own words for them help nobody."""
    found = _UNPRINTABLE.search(text)
    if found:
        line, column = advance(1, 1, text[: found.start()])
        says = f"this is not YAML: the character U+{ord(found[0]):04X} is not allowed"
        raise refusal(file, line, column, "yaml-syntax", says, "remove it, or write it as an escape in double quotes")
    found = _TAB_INDENT.search(text)
    if found:
        line, column = advance(1, 1, text[: found.start(1)])
        raise refusal(file, line, column, "tab-indent", "a tab indents this line; YAML takes spaces only")


def _problem(error: yaml.MarkedYAMLError) -> str:
    return " ".join(part for part in (error.problem, error.context) if part)


def _place(event: Event) -> Place:
    start: Any = event.start_mark
    end: Any = event.end_mark if isinstance(event, ScalarEvent) else start
    return start.line + 1, start.column + 1, start.index, end.index


@dataclass(slots=True)
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
                    raise self._at(event, "second-document", "a second document begins here; a runbook file holds one")
                seen = True
                value = self._value(event, events, (), 0)
        return value

    def _value(self, event: Event, events: Iterator[Event], path: Path, depth: int) -> object:
        self.found.values[path] = _place(event)
        self.count += 1
        if self.count > MAX_VALUES:
            raise self._at(event, "too-large", f"the file holds more than {MAX_VALUES:,} values")
        if depth > MAX_DEPTH:
            raise self._at(event, "too-deep", f"the values are nested more than {MAX_DEPTH} deep")
        self._refuse_indirection(event)
        if isinstance(event, ScalarEvent):
            return event.value if not event.implicit[0] else _plain(event.value)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(events, path, depth)
        return self._mapping(events, path, depth)

    def _refuse_indirection(self, event: Event) -> None:
        anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
        if isinstance(event, AliasEvent):
            raise self._at(
                event, "anchor-or-alias", f"*{anchor} is an alias; runbooks take none", "write the value out"
            )
        if anchor is not None:
            says = f"&{anchor} is an anchor; runbooks take none"
            raise self._at(event, "anchor-or-alias", says, "write the value out where it is used")
        if tag is not None:
            raise self._at(event, "yaml-tag", f"the tag {tag!r} is not taken", "write a plain value")

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
                raise self._at(event, "yaml-syntax", "a key must be plain text", "put a text with braces into quotes")
            self._refuse_indirection(event)
            key = event.value
            if key == "<<":
                says = "<< is a merge key; runbooks take none"
                raise self._at(event, "anchor-or-alias", says, "write the values out")
            here = (*path, key)
            if key in entries:
                first = self.found.keys[here][0]
                says = f"the key {key!r} stands here a second time; the first is in line {first}"
                raise self._at(event, "duplicate-key", says)
            self.found.keys[here] = _place(event)
            entries[key] = self._value(next(events), events, here, depth + 1)
        return entries

    def _at(self, event: Event, rule: str, says: str, suggestion: str = "") -> RunbookRefused:
        return refusal(self.found.file, *_place(event)[:2], rule, says, suggestion)


def _plain(text: str) -> object:
    """An unquoted scalar: null, boolean, number, or text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
