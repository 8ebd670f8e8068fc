"""The values that a person chooses in interactive elements, in the fields that Slack sends for them."""

from __future__ import annotations

from bot.lab.slack_workspace.block_kit.block_rules import interactive
from bot.lab.slack_workspace.block_kit.element_rules import INPUTS
from bot.lab.slack_workspace.model import Json, JsonValue

REQUIRED = "Please complete this required field."


class InvalidUserAction(Exception):
    """A click or choice that the page does not offer; the message says why."""


def options_of(element: Json) -> list[Json]:
    """Returns the options of an element, including those in groups."""
    options = list(element.get("options") or [])
    for group in element.get("option_groups") or []:
        options += group["options"]
    return options


def _option(element: Json, value: str) -> Json:
    for option in options_of(element):
        if value in (option["value"], option["text"]["text"]):
            return dict(option)
    offered = ", ".join(option["value"] for option in options_of(element))
    raise InvalidUserAction(f"{element.get('action_id')} has no option {value}; its options are {offered}.")


def _several(value: JsonValue) -> list[str]:
    if value in (None, ""):
        return []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def chosen(element: Json, value: JsonValue) -> Json:
    """Returns the fields of the choice: value, selected_option, selected_user and so on."""
    kind = element["type"]
    if kind in ("checkboxes", "multi_static_select"):
        return {"selected_options": [_option(element, one) for one in _several(value)]}
    if kind in ("static_select", "radio_buttons", "overflow"):
        return {"selected_option": _option(element, str(value)) if value not in (None, "") else None}
    for what in ("user", "conversation", "channel"):
        if kind == f"{what}s_select":
            return {f"selected_{what}": value or None}
        if kind == f"multi_{what}s_select":
            return {f"selected_{what}s": _several(value)}
    pickers = {"datepicker": "selected_date", "timepicker": "selected_time", "datetimepicker": "selected_date_time"}
    if kind in pickers:
        return {pickers[kind]: value or None}
    return {"value": None if value in (None, "") else str(value)}


def initial(element: Json) -> JsonValue:
    """Returns the initial value of an element, in the form that `chosen` accepts."""
    if "initial_option" in element:
        return element["initial_option"]["value"]
    if "initial_options" in element:
        return [option["value"] for option in element["initial_options"]]
    names = (
        "value",
        "user",
        "users",
        "conversation",
        "conversations",
        "channel",
        "channels",
        "date",
        "time",
        "date_time",
    )
    return next((element[f"initial_{name}"] for name in names if f"initial_{name}" in element), None)


def is_empty(fields: Json) -> bool:
    """Returns whether nothing was chosen."""
    return all(value in (None, "", []) for value in fields.values())


def values_of(blocks: list[Json], given: Json) -> Json:
    """Returns `state.values`: the given values by block and action or by action alone, otherwise the initial ones."""
    values: Json = {}
    for block in blocks:
        for element in interactive(block):
            if element["type"] in ("button", "overflow"):
                continue
            action = element["action_id"]
            own = given.get(block["block_id"])
            value = own[action] if isinstance(own, dict) and action in own else given.get(action, initial(element))
            values.setdefault(block["block_id"], {})[action] = {"type": element["type"], **chosen(element, value)}
    return values


def missing(blocks: list[Json], values: Json) -> dict[str, str]:
    """Returns the errors that Slack itself reports before delivery, by block: required fields and lengths."""
    errors: dict[str, str] = {}
    for block in blocks:
        if block["type"] != "input":
            continue
        element = block["element"]
        fields = {k: v for k, v in values[block["block_id"]][element["action_id"]].items() if k != "type"}
        if is_empty(fields):
            if not block.get("optional"):
                errors[block["block_id"]] = REQUIRED
        elif element["type"] in INPUTS and (complaint := _text_complaint(element, str(fields["value"]))):
            errors[block["block_id"]] = complaint
    return errors


def _text_complaint(element: Json, text: str) -> str:
    if element["type"] == "number_input":
        try:
            number = float(text)
        except ValueError:
            return "Please enter a number."
        if number < float(element.get("min_value", number)) or number > float(element.get("max_value", number)):
            return "Please enter a number within the allowed range."
        return ""
    if len(text) < int(element.get("min_length", 0)):
        return f"Must be {element['min_length']} characters or more."
    if len(text) > int(element.get("max_length", 3000)):
        return f"Must be {element.get('max_length', 3000)} characters or less."
    return ""
