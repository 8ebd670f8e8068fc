"""Holds a document against its schema, and tells what does not fit in the words of the document. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot.runbook.language import schema, schema_base
from bot.runbook.language.document import Document
from bot.runbook.language.findings import Path, Problem
from bot.runbook.language.schema import Runbook
from bot.runbook.language.signatures import nearest

_MODELS: dict[str, type[BaseModel]] = {
    "inputs": schema.Input,
    "match": schema.Matching,
    "gather": schema_base.GatherStep,
    "on": schema_base.Selector,
    "causes": schema.Cause,
    "remedies": schema.Remedy,
    "steps": schema.RemedyStep,
    "tests": schema.Test,
    "answers": schema.ServerAnswer,
    "expect": schema.Expect,
    "links": schema.Link,
}
"""The key of a container -> the model of what it holds."""


def shaped(document: Document) -> Runbook | list[Problem]:
    """The runbook that a document holds, or everything in it that does not fit the schema."""
    if not isinstance(document.value, dict):
        says = "a runbook is a mapping of keys: runbook, title, owner, match, gather, causes"
        return [Problem((), says, "wrong-value")]
    try:
        return Runbook.model_validate(document.value).read_from(document.text)
    except ValidationError as error:
        return list(translated(document.value, error.errors(), _MODELS, Runbook))


def translated(
    value: object, errors: list[ErrorDetails], models: Mapping[str, type[BaseModel]], whole: type[BaseModel]
) -> Iterator[Problem]:
    """pydantic's errors in the words of a document; `models` has the model below each key that holds others."""
    for error in errors:
        loc, path = error["loc"], _path_of(value, error["loc"])
        key = str(path[-1]) if path else "the file"
        match error["type"]:
            case "extra_forbidden":
                known = nearest(key, _keys_at(path[:-1], models, whole))
                yield Problem(path, f"there is no key {key!r} here", "unknown-key", known, on_key=True)
            case "missing":
                yield Problem(path, f"the key {str(loc[-1])!r} is missing", "missing-key")
            case "string_pattern_mismatch" | "value_error" if "[key]" in loc or path[-1:] == ("id",):
                yield Problem(path, _name_says(error, key), "wrong-name", on_key="[key]" in loc)
            case "string_pattern_mismatch" if path == ("runbook",):
                says = f"{str(error['input'])[:60]!r} is not the name of a runbook"
                yield Problem(path, says, "wrong-name", "write it like mysql/replication-lag")
            case "value_error" if path[:1] == ("match",):
                yield Problem(path, _said(error), "wrong-matcher")
            case "value_error":
                yield Problem(path, f"{_shown(path)}: {_said(error)}", "wrong-value")
            case "literal_error":
                words = [word.strip(" '") for word in error["ctx"]["expected"].replace(" or ", ",").split(",")]
                says = f"{_shown(path)}: {str(error['input'])[:60]!r} is none of {', '.join(words)}"
                yield Problem(path, says, "wrong-value", nearest(str(error["input"]), words))
            case _:
                yield Problem(path, f"{_shown(path)}: {error['msg']}{_got(error['input'])}", "wrong-value")


def _name_says(error: ErrorDetails, key: str) -> str:
    if error["type"] == "value_error":
        return _said(error)
    wrong = key if "[key]" in error["loc"] else str(error["input"])[:60]
    return f"{wrong!r} is not a name; a name has a to z, 0 to 9 and _, and begins with a letter"


def _said(error: ErrorDetails) -> str:
    return str(error["ctx"]["error"]).rstrip(".")


def _path_of(value: Any, loc: tuple[int | str, ...]) -> Path:  # noqa: ANN401 - as the file has it
    """The part of pydantic's location that the document has: tags of unions and keys that are missing are not in it."""
    path: list[int | str] = []
    for part in loc:
        if part in (value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()):
            value = value[part]
            path.append(part)
    return tuple(path)


def _keys_at(path: Path, models: Mapping[str, type[BaseModel]], whole: type[BaseModel]) -> list[str]:
    model = whole
    for part in path:
        model = models.get(str(part), model)
    return [field.alias or name for name, field in model.model_fields.items()]


def _shown(path: Path) -> str:
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in path) or "the file"


def _got(value: Any) -> str:  # noqa: ANN401 - as the file has it
    return "" if isinstance(value, dict | list | UnionType) else f", not {str(value)[:60]!r}"
