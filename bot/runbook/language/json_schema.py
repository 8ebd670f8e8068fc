"""Generates the JSON Schema of runbooks, for editors and other validators. Pure.

The structure comes from the models, the parameters under `with` from the signatures of the actions.
"""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter

from actions.catalog import DIAGNOSTICS, REMEDIATIONS
from actions.contract import Unit
from bot.runbook.language.schema import Runbook
from bot.runbook.language.signatures import Signature, of_diagnostic, of_remediation, unit_of

DIALECT = "https://json-schema.org/draft/2020-12/schema"
EXPRESSION = {"type": "string", "pattern": r"\{\{", "description": "An expression: {{ ... }}."}
_NOTATIONS: Mapping[Unit, str] = {
    Unit.SECONDS: "Seconds, or text such as 500ms, 30s, 5m, 1h30m.",
    Unit.BYTES: "Bytes, or text such as 512KiB, 2GiB, 10GB.",
    Unit.PERCENT: "Percent, or text such as 80%.",
    Unit.MOMENT: "A Unix time, in seconds.",
}


def runbook_schema() -> dict[str, Any]:
    """Returns the JSON Schema (draft 2020-12) of a runbook file."""
    found = Runbook.model_json_schema(by_alias=True, mode="validation")
    parts: dict[str, Any] = found["$defs"]
    diagnostics = {name: of_diagnostic(name) for name in DIAGNOSTICS}
    remediations = {name: of_remediation(name) for name in REMEDIATIONS}
    _name_actions(parts["GatherStep"], "diagnostic", diagnostics)
    for part in ("Remedy", "RemedyStep"):
        _name_actions(parts[part], "remediation", remediations)
    short = next(each for each in _step_of(found)["anyOf"] if each.get("type") == "string")
    short["enum"] = sorted(diagnostics)
    return {"$schema": DIALECT, **_plain(found), "title": "A Firstmate runbook"}


_KEYWORDS = {"gt": "exclusiveMinimum", "le": "maximum"}
"""pydantic's names of bounds -> those of JSON Schema; pydantic does not translate them for values with a validator."""


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Translates pydantic's keywords, and forbids keys that do not match a `patternProperties` pattern."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = {_KEYWORDS.get(name, name): _plain(each) for name, each in value.items()}
    return {**found, "additionalProperties": False} if "patternProperties" in found else found


def _step_of(found: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the schema of a value of `gather`."""
    gather = found["properties"]["gather"]
    values = gather.get("additionalProperties") or next(iter(gather["patternProperties"].values()))
    return typing.cast(dict[str, Any], values)


def _name_actions(part: dict[str, Any], kind: str, signatures: Mapping[str, Signature]) -> None:
    """Restricts `use` to the actions, and `with` to the parameters of the chosen action."""
    part["properties"]["use"] = {
        "enum": sorted(signatures),
        "description": f"Name of a {kind} in the catalog.",
    }
    part["allOf"] = [
        {
            "if": {"properties": {"use": {"const": name}}, "required": ["use"]},
            "then": _with(signature),
        }
        for name, signature in sorted(signatures.items())
    ]


def _with(signature: Signature) -> dict[str, Any]:
    found: dict[str, Any] = {
        "properties": {
            "with": {
                "type": "object",
                "properties": {name: _parameter(annotation) for name, annotation in signature.parameters.items()},
                "required": sorted(signature.required),
                "additionalProperties": False,
            }
        }
    }
    if signature.required:
        found["required"] = ["with"]
    return found


def _parameter(annotation: Any) -> dict[str, Any]:  # noqa: ANN401 - annotations have no common type
    """Returns the schema of a parameter: its own type, text with a unit, or an expression."""
    own = TypeAdapter(annotation).json_schema()
    unit = unit_of(annotation)
    choices: list[dict[str, Any]] = [own]
    if unit is not None and unit in _NOTATIONS:
        choices.append({"type": "string", "description": _NOTATIONS[unit]})
    elif own.get("type") == "array":
        own["items"] = {"anyOf": [own.get("items", {}), EXPRESSION]}
    if "type" not in own or own["type"] != "string" or "enum" in own:
        choices.append(EXPRESSION)
    return choices[0] if len(choices) == 1 else {"anyOf": list(_unique(choices))}


def _unique(choices: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    seen: list[dict[str, Any]] = []
    for choice in choices:
        if choice not in seen:
            seen.append(choice)
            yield choice
