"""The form of `/runbook run NAME`: a field for the instance and one for each input of the runbook. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.slack.blocks import Block, plain

RUN_FORM = "run.form"
INSTANCE = "instance"
_PREFIX = "input:"
_HINTS: Mapping[str, str] = {
    "seconds": "A duration, such as 30s, 5m or 1h30m.",
    "bytes": "A size, such as 512KiB, 2GiB or 10GB.",
    "percent": "A percentage, such as 80%.",
    "count": "A whole number.",
    "number": "A number.",
    "instance": "An instance of the inventory, by name or address.",
    "shard": "A shard of the inventory.",
    "user": "A database user.",
    "digest": "The digest of a statement.",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One input of a runbook, as a field of the form."""

    name: str
    type: str
    says: str
    default: str
    """'' without a default: then the field is required."""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Filled:
    """A submitted form."""

    runbook: str
    channel: str
    instance: str
    inputs: dict[str, str]


def form(runbook: str, title: str, instance: str, channel: str, fields: Sequence[Field]) -> Block:
    """Builds the modal view with the instance and the first 49 inputs of the runbook."""
    blocks = [_text_block(INSTANCE, "Instance", instance, optional=False, hint=_HINTS["instance"])]
    blocks += [_block(field) for field in fields[:49]]
    return {
        "type": "modal",
        "callback_id": RUN_FORM,
        "private_metadata": json.dumps({"runbook": runbook, "channel": channel}),
        "title": _plain(runbook.rpartition("/")[2], 24),
        "submit": _plain("Run", 24),
        "close": _plain("Cancel", 24),
        "blocks": [{"type": "context", "elements": [_plain(title, 200)]}, *blocks],
    }


def filled(view: Mapping[str, Any]) -> Filled:
    """Reads a submitted form."""
    about = json.loads(view["private_metadata"])
    values = {block: _value(next(iter(actions.values()))) for block, actions in view["state"]["values"].items()}
    inputs = {name.removeprefix(_PREFIX): value for name, value in values.items() if name.startswith(_PREFIX) and value}
    return Filled(str(about["runbook"]), str(about["channel"]), values.get(INSTANCE, "").strip(), inputs)


def error_at(says: str, fields: Sequence[str]) -> dict[str, str]:
    """Returns an error with the field that it names, for Slack to mark; the instance field if it names none."""
    named = next((name for name in fields if repr(name) in says), None)
    return {f"{_PREFIX}{named}" if named else INSTANCE: plain(says, 150)}


def _block(field: Field) -> Block:
    hint = field.says or _HINTS.get(field.type, "")
    label = field.name.replace("_", " ").capitalize()
    values = field.values or (("true", "false") if field.type == "boolean" else ())
    name = f"{_PREFIX}{field.name}"
    if not values:
        return _text_block(name, label, field.default, optional=bool(field.default), hint=hint)
    options = [{"text": _plain(value, 75), "value": value[:150]} for value in values[:100]]
    element: Block = {"type": "static_select", "action_id": "value", "options": options}
    chosen = next((option for option in options if option["value"] == field.default), None)
    if chosen is not None:
        element["initial_option"] = chosen
    return _input(name, label, element, optional=chosen is not None, hint=hint)


def _text_block(name: str, label: str, value: str, *, optional: bool, hint: str) -> Block:
    element: Block = {"type": "plain_text_input", "action_id": "value", "max_length": 500}
    if value:
        element["initial_value"] = value[:500]
    return _input(name, label, element, optional=optional, hint=hint)


def _input(name: str, label: str, element: Block, *, optional: bool, hint: str) -> Block:
    block: Block = {
        "type": "input",
        "block_id": name,
        "label": _plain(label, 200),
        "element": element,
        "optional": optional,
    }
    return {**block, "hint": _plain(hint, 200)} if hint else block


def _plain(text: str, limit: int) -> Block:
    return {"type": "plain_text", "text": plain(text, limit)}


def _value(state: Mapping[str, Any]) -> str:
    chosen = state.get("selected_option")
    return str(chosen["value"] if chosen else state.get("value") or "")
