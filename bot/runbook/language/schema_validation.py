"""Validates a document against its schema and translates pydantic's errors into problems of the document. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot.runbook.language import gather_schema, remedy_schema, schema, schema_base, tests_schema
from bot.runbook.language.findings import Path, Problem
from bot.runbook.language.positioned_document import Document
from bot.runbook.language.schema import Runbook
from bot.runbook.language.signatures import suggestion_for
from bot.validation_wording import choices, got, requirement

_MODELS: dict[str, type[BaseModel]] = {
    "inputs": schema.Input,
    "match": schema.Matching,
    "gather": gather_schema.GatherStep,
    "on": schema_base.Selector,
    "causes": schema.Cause,
    "remedies": remedy_schema.Remedy,
    "steps": remedy_schema.RemedyStep,
    "tests": tests_schema.Test,
    "answers": tests_schema.ServerAnswer,
    "expect": tests_schema.Expect,
    "links": schema.Link,
}
"""Key of a mapping or list -> model of its values."""


def validate(document: Document) -> Runbook | list[Problem]:
    """Returns the runbook in a document, or every violation of the schema."""
    if not isinstance(document.value, dict):
        message = "A runbook is a mapping with the keys runbook, title, owner, match, gather and causes"
        return [Problem((), message, "wrong-value")]
    try:
        return Runbook.model_validate(document.value).read_from(document.text)
    except ValidationError as error:
        return list(problems_of_validation(document.value, error.errors(), _MODELS, Runbook))


def problems_of_validation(
    value: object, errors: list[ErrorDetails], models: Mapping[str, type[BaseModel]], whole: type[BaseModel]
) -> Iterator[Problem]:
    """Translates pydantic's errors; `models` has the model for the values of each nested key, `whole` the top one."""
    for error in errors:
        loc, path = error["loc"], _path_of(value, error["loc"])
        key = str(path[-1]) if path else "file"
        match error["type"]:
            case "extra_forbidden":
                suggestion = suggestion_for(key, _keys_at(path[:-1], models, whole))
                yield Problem(path, f"Unknown key {key!r}{_inside(path[:-1])}", "unknown-key", suggestion, on_key=True)
            case "missing":
                yield Problem(path, f"Missing key {str(loc[-1])!r}{_inside(path)}", "missing-key")
            case "string_pattern_mismatch" | "value_error" if "[key]" in loc or path[-1:] == ("id",):
                yield Problem(path, _name_problem(error, key), "wrong-name", on_key="[key]" in loc)
            case "string_pattern_mismatch" if path == ("runbook",):
                message = f"Invalid runbook name {str(error['input'])[:60]!r}"
                yield Problem(path, message, "wrong-name", "use a name such as mysql/replication-lag")
            case "value_error" if path[:1] == ("match",):
                yield Problem(path, _reason(error), "wrong-matcher")
            case "value_error":
                yield Problem(path, f"Invalid value of {_key_path(path)}: {_reason(error)}", "wrong-value")
            case "literal_error":
                words = choices(error)
                actual = str(error["input"])
                message = f"Invalid value of {_key_path(path)}: {actual[:60]!r} is not one of {', '.join(words)}"
                yield Problem(path, message, "wrong-value", suggestion_for(actual, words))
            case _:
                message = f"Invalid value of {_key_path(path)}: it {requirement(error)}{got(error['input'])}"
                yield Problem(path, message, "wrong-value")


def _name_problem(error: ErrorDetails, key: str) -> str:
    if error["type"] == "value_error":
        return _reason(error)
    name = key if "[key]" in error["loc"] else str(error["input"])[:60]
    return f"Invalid name {name!r}; a name begins with a letter and consists of a to z, 0 to 9 and _"


def _reason(error: ErrorDetails) -> str:
    return str(error["ctx"]["error"]).rstrip(".")


def _path_of(value: Any, loc: tuple[int | str, ...]) -> Path:  # noqa: ANN401 - a YAML value
    """Returns pydantic's location without what the document does not contain: tags of unions and missing keys."""
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


def _key_path(path: Path) -> str:
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in path) or "the file"


def _inside(path: Path) -> str:
    return f" in {_key_path(path)}" if path else ""
