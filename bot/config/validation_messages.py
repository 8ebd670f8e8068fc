"""What is wrong with firstmate.yml, in sentences with the line, the key and a suggestion. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic_core import ErrorDetails

from bot.config.settings_base import Secret, Takes
from bot.spelling import closest_match
from bot.validation_wording import choices, got, requirement

Loc = tuple[int | str, ...]
MOST = 5
"""The most problems that are listed."""
_EXPANSION = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def problems(
    whole: type[BaseModel], document: object, text: str, file: str, errors: Sequence[ErrorDetails]
) -> list[str]:
    """Returns one sentence per mistake, as `FILE:LINE: Unknown key 'prt' in ...`, at most 5.

    An error that only follows from another one is left out: a list that is empty because its only entry is invalid,
    and a missing key that is there with a typing mistake.
    """
    positions = _Lines(text)
    found = []
    for error in errors:
        if _follows(error, errors):
            continue
        message = _message(whole, document, error, errors)
        found.append(f"{file}:{positions.of(error['loc'])}: {message}")
    return [*dict.fromkeys(found)][:MOST]


def yaml_problem(error: yaml.YAMLError, text: str, file: str) -> str:
    """Returns a sentence for a syntax error, with its line; and what to write instead of `${NAME}`."""
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark else 1
    said = getattr(error, "problem", None) or " ".join(str(error).split())
    variable = _EXPANSION.search((text.splitlines() or [""])[min(line, len(text.splitlines())) - 1]) if text else None
    hint = f" Variables are not expanded; write {{env: {variable.group(1)}}}." if variable else ""
    return f"{file}:{line} is not YAML: {said}.{hint}"


def key_path(document: object, loc: Loc) -> str:
    """Returns a location as `shards.orders.reader`: entries of a list by their names, or counted from 1."""
    parts, value = [], document
    for part in loc:
        if isinstance(part, int):
            value = value[part] if isinstance(value, list) and part < len(value) else None
            name = value.get("name") if isinstance(value, dict) else None
            parts.append(name if isinstance(name, str) and name else str(part + 1))
        else:
            value = value.get(part) if isinstance(value, dict) else None
            parts.append(part)
    return ".".join(parts)


def _message(whole: type[BaseModel], document: object, error: ErrorDetails, errors: Sequence[ErrorDetails]) -> str:
    loc, value = error["loc"], error["input"]
    path = key_path(document, loc)
    match error["type"]:
        case "extra_forbidden":
            key, keys = str(loc[-1]), _keys(model_at(whole, loc[:-1]))
            near = closest_match(key, keys)
            hint = f"did you mean {near!r}?" if near else f"its keys are {', '.join(keys)}."
            return f"Unknown key {key!r} in {_place(document, loc[:-1])}; {hint}"
        case "missing":
            return f"Missing key {str(loc[-1])!r} in {_place(document, loc[:-1])}."
        case "value_error":
            reason = str(error["ctx"]["error"]).rstrip(".")
            return f"{path}: {reason}." if path else f"{reason[:1].upper()}{reason[1:]}."
        case "literal_error" | "enum":
            words = _taken(whole, loc) or choices(error)
            near = closest_match(str(value), words)
            hint = f"; did you mean {near!r}?" if near else "."
            return f"{path} must be one of {', '.join(words)}{got(value)}{hint}"
        case "model_type" if model_at(whole, loc) is Secret:
            # The value may be the secret itself, so it is not repeated.
            variable = _EXPANSION.search(str(value))
            env = variable.group(1) if variable else "NAME"
            return f"{path} must refer to a secret: write {{env: {env}}} or {{file: PATH}}."
        case _:
            return f"{path or 'the file'} {requirement(error)}{got(value)}."


def _follows(error: ErrorDetails, errors: Sequence[ErrorDetails]) -> bool:
    loc = error["loc"]
    if error["type"] == "too_short":
        return any(other["loc"][: len(loc)] == loc and len(other["loc"]) > len(loc) for other in errors)
    if error["type"] == "missing":
        unknown = [
            str(other["loc"][-1])
            for other in errors
            if other["type"] == "extra_forbidden" and other["loc"][:-1] == loc[:-1]
        ]
        return closest_match(str(loc[-1]), unknown) is not None
    return False


def _place(document: object, loc: Loc) -> str:
    return key_path(document, loc) or "the file"


def _keys(model: type[BaseModel] | None) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _taken(whole: type[BaseModel], loc: Loc) -> list[str]:
    """Returns the values that the documentation of a key lists, if they are fewer than those of its type."""
    model = model_at(whole, loc[:-1])
    field = model.model_fields.get(str(loc[-1])) if model else None
    takes = next((each for each in field.metadata if isinstance(each, Takes)), None) if field else None
    return re.findall(r"`(\w+)`", takes.text) if takes else []


def model_at(whole: type[BaseModel], loc: Loc) -> type[BaseModel] | None:
    """Returns the model of the mapping at a location, or None."""
    model: type[BaseModel] | None = whole
    for part in loc:
        if isinstance(part, int):
            continue
        field = next((f for name, f in model.model_fields.items() if part in (name, f.alias)), None) if model else None
        model = next(_models(field.annotation), None) if field else None
    return model


def _models(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - annotations have no common type
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Annotated, Union, UnionType, tuple):
        for each in get_args(annotation):
            yield from _models(each)


class _Lines:
    """The lines of the keys of a YAML document."""

    def __init__(self, text: str) -> None:
        self._root = yaml.compose(text, yaml.SafeLoader)

    def of(self, loc: Loc) -> int:
        """Returns the line of a key, counted from 1; of the nearest mapping around it if the key is missing."""
        node, line = self._root, 1
        for part in loc:
            if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line + 1
            elif isinstance(node, yaml.MappingNode):
                pair = next((each for each in node.value if each[0].value == part), None)
                if pair is None:
                    break
                line, node = pair[0].start_mark.line + 1, pair[1]
            else:
                break
        return line
