"""A section for each mapping of firstmate.yml or policy.yml: its keys with type, default, example and meaning. Pure.

Types, bounds, defaults and meanings come from the models, examples from the complete example on the page itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from bot.config.settings_base import Takes
from bot.reference.markdown import anchor, table
from bot.runbook.language import units

SHARED = {
    "Secret": "a secret",
    "DatabaseUser": "a database user",
    "People": "people",
    "Blast": "a blast radius",
}
"""Models that stand under several keys -> the heading of their section; the others are called by their only key."""
WORDS: Mapping[object, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "`true` or `false`",
    Path: "path",
    datetime: "date and time",
    time: "time of day",
}


@dataclass(frozen=True, slots=True)
class Section:
    """One mapping: the heading of its section, its model, and the values of it in the complete example."""

    heading: str
    model: type[BaseModel]
    examples: list[Mapping[str, Any]]


def setting_sections(top: type[BaseModel], page: str, kind: str) -> str:
    """Returns the sections of a model and of all below it, with examples from the page's first block of this kind."""
    found = re.search(rf"^```yaml {kind}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    example = yaml.safe_load(found[1]) if found else {}
    sections = {top: Section("", top, [example])}
    _collect(sections, top, example, "", f" of {kind}.yml" if kind == "policy" else "")
    return "\n\n".join(_section(each, sections) for each in sections.values())


def _collect(
    sections: dict[type[BaseModel], Section], model: type[BaseModel], example: Mapping[str, Any], path: str, of: str
) -> None:
    """Adds a section for each model below this one, depth first, with every example of it."""
    for name, field in model.model_fields.items():
        for inner in _models(field.annotation):
            key = field.alias or name
            here = f"{path}.{key}".removeprefix(".") + ("[]" if _is_list(field.annotation) else "")
            heading = SHARED.get(inner.__name__, f"`{here}`{of}")
            section = sections.setdefault(inner, Section(heading, inner, []))
            values = list(_values(example.get(key)))
            section.examples.extend(values)
            for value in values or [{}]:
                _collect(sections, inner, value, here, of)


def _values(value: object) -> Iterator[Mapping[str, Any]]:
    """The mappings that a value is, or that a list holds."""
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, Mapping):
            yield each


def _section(section: Section, sections: Mapping[type[BaseModel], Section]) -> str:
    rows = [
        _row(section, field.alias or name, field, sections)
        for name, field in section.model.model_fields.items()
        if field.annotation is not NoneType
    ]
    heading = [f"#### {section.heading}"] if section.heading else []
    says = " ".join((section.model.__doc__ or "").split())
    return "\n\n".join([*heading, says, table(["key", "type", "default", "example", "meaning"], rows)])


def _row(section: Section, key: str, field: FieldInfo, sections: Mapping[type[BaseModel], Section]) -> tuple[str, ...]:
    example = _example(section, key, field)
    return f"`{key}`", _type(field, sections), _default(field), example, field.description or ""


def _example(section: Section, key: str, field: FieldInfo) -> str:
    """The value of the key in the complete example; a mapping has its own section, or is a few words long."""
    if any(model.__name__ != "Secret" for model in _models(field.annotation)):
        return ""
    found = next((each[key] for each in section.examples if key in each), None)
    if found is None:
        return ""
    return f"`{_flow(found)}`"


def _flow(value: object) -> str:
    """A value as YAML on one line."""
    return yaml.safe_dump(value, default_flow_style=True, width=1000, sort_keys=False).removesuffix("\n...\n").strip()


# -- types --------------------------------------------------------------------------------------------------------


def _models(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - an annotation
    """The models that an annotation names, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from _models(each)


def _is_list(annotation: Any) -> bool:  # noqa: ANN401 - an annotation
    return get_origin(annotation) is tuple


def _type(field: FieldInfo, sections: Mapping[type[BaseModel], Section]) -> str:
    for each in field.metadata:
        if isinstance(each, Takes):
            return each.text
    if _is_duration(field):
        return f"duration{_bounds(field.metadata, _duration)}"
    limits = _bounds(field.metadata, _number, is_list=_is_list(field.annotation))
    return f"{_words(field.annotation, sections)}{limits}"


def _words(annotation: Any, sections: Mapping[type[BaseModel], Section]) -> str:  # noqa: ANN401 - an annotation
    if annotation in WORDS:
        return WORDS[annotation]
    origin, inside = get_origin(annotation), [each for each in get_args(annotation) if each is not NoneType]
    if origin is Annotated:
        limits = [limit for each in annotation.__metadata__ for limit in getattr(each, "metadata", [each])]
        return _words(inside[0], sections) + _bounds(limits, _number)
    if origin in (Union, UnionType):
        return " or ".join(_words(each, sections) for each in inside)
    if origin is Literal:
        return ", ".join(f"`{getattr(each, 'value', each)}`" for each in inside)
    if origin is tuple:
        return "list of paths" if inside[0] is Path else f"list of {_words(inside[0], sections)}"
    if issubclass(annotation, Enum):
        return ", ".join(f"`{each.value}`" for each in annotation)
    heading = sections[annotation].heading
    return f"[{heading}](#{anchor(heading)})"


def _bounds(metadata: list[Any], shown: Callable[[Any], str], *, is_list: bool = False) -> str:
    """The limits of a value, such as `, at least 1, at most 5`."""
    said = []
    for each in metadata:
        match each:
            case Ge(ge=limit):
                said.append(f"at least {shown(limit)}")
            case Gt(gt=limit):
                said.append(f"above {shown(limit)}")
            case Le(le=limit):
                said.append(f"at most {shown(limit)}")
            case Lt(lt=limit):
                said.append(f"below {shown(limit)}")
            case MinLen(min_length=1):
                said.append("not empty")
            case MaxLen(max_length=length):
                said.append(f"at most {length} {'entries' if is_list else 'characters'}")
    return "".join(f", {each}" for each in said)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "*required*"
    value = field.get_default()
    if value is None or value == ():
        return ""
    if isinstance(value, BaseModel):
        # Without it the defaults of its own keys apply, which its section lists.
        return "" if value == type(value)() else f"`{_flow(value.model_dump())}`"
    if _is_duration(field):
        return f"`{_duration(value)}`"
    if isinstance(value, tuple):
        return f"`[{', '.join(map(str, value))}]`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, float):
        return f"`{value:g}`"
    return f"`{getattr(value, 'value', value)}`" if value != "" else ""


def _is_duration(field: FieldInfo) -> bool:
    return any(isinstance(each, BeforeValidator) and each.func is units.seconds for each in field.metadata)


def _duration(seconds: float) -> str:
    """A duration as it is written in the file: `15m`, `6h`."""
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds / length:g}{unit}"
    return f"{seconds:g}s" if seconds else "0"


def _number(value: float) -> str:
    return f"{value:g}" if value < 1_000_000 else f"{value:,.0f}"
