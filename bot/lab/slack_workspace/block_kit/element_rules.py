"""Block Kit's rules for texts and interactive elements; every function yields the violations with their place."""

from __future__ import annotations

from collections.abc import Iterator

from bot.lab.slack_workspace.model import Json, JsonValue

Violations = Iterator[str]
ANY_TEXT = ("plain_text", "mrkdwn")
PLAIN = ("plain_text",)

SELECTS = frozenset(
    f"{many}{what}_select"
    for many in ("", "multi_")
    for what in ("static", "external", "users", "conversations", "channels")
)
PICKERS = frozenset({"datepicker", "timepicker", "datetimepicker"})
INPUTS = frozenset({"plain_text_input", "email_text_input", "url_text_input", "number_input", "rich_text_input"})
CHOICES = frozenset({"radio_buttons", "checkboxes"})
IN_ACTIONS = frozenset({"button", "overflow", "workflow_button", *SELECTS, *PICKERS, *CHOICES})
IN_INPUT = frozenset({*SELECTS, *PICKERS, *INPUTS, *CHOICES, "file_input"})


def violation(text: str, at: str) -> str:
    """Returns Slack's sentence for a violation, with the JSON pointer of its place."""
    return f"[ERROR] {text} [json-pointer:{at}]"


def check_string(value: JsonValue, at: str, limit: int, least: int = 1) -> Violations:
    """Checks a text's type and length in characters."""
    if not isinstance(value, str):
        yield violation("must be a string", at)
    elif len(value) < least:
        yield violation(f"must be more than {least - 1} characters", at)
    elif len(value) > limit:
        yield violation(f"must be less than {limit + 1} characters", at)


def check_text(value: JsonValue, at: str, limit: int, kinds: tuple[str, ...] = ANY_TEXT) -> Violations:
    """Checks a text object: its type, its length, and that it has no other fields."""
    if not isinstance(value, dict):
        yield violation("must provide an object", at)
        return
    if value.get("type") not in kinds:
        yield violation(
            f"must be one of: {', '.join(kinds)}" if value.get("type") else "missing required field: type", at
        )
        return
    yield from check_string(value.get("text"), f"{at}/text", limit)
    allowed = {"type", "text", "emoji"} if value["type"] == "plain_text" else {"type", "text", "verbatim"}
    for name in sorted(set(value) - allowed):
        yield violation(f"no more than {len(allowed)} fields allowed: `{name}`", at)


def check_confirm(value: JsonValue, at: str) -> Violations:
    """Checks a confirmation dialog."""
    if not isinstance(value, dict):
        yield violation("must provide an object", at)
        return
    yield from check_text(value.get("title"), f"{at}/title", 100, PLAIN)
    yield from check_text(value.get("text"), f"{at}/text", 300)
    for name in ("confirm", "deny"):
        if name in value:
            yield from check_text(value[name], f"{at}/{name}", 30, PLAIN)
    if value.get("style", "primary") not in ("primary", "danger"):
        yield violation("must be one of: primary, danger", f"{at}/style")


def check_options(options: JsonValue, at: str, least: int, most: int) -> Violations:
    """Checks the options of a select, an overflow menu, radio buttons or checkboxes."""
    if not isinstance(options, list):
        yield violation("missing required field: options", at)
        return
    if not least <= len(options) <= most:
        yield violation(f"must have between {least} and {most} items", at)
    for index, option in enumerate(options):
        here = f"{at}/{index}"
        if not isinstance(option, dict):
            yield violation("must provide an object", here)
            continue
        yield from check_text(option.get("text"), f"{here}/text", 75)
        yield from check_string(option.get("value"), f"{here}/value", 150)
        if "description" in option:
            yield from check_text(option["description"], f"{here}/description", 75)


def check_button(element: Json, at: str) -> Violations:
    """Checks a button."""
    yield from check_text(element.get("text"), f"{at}/text", 75, PLAIN)
    if "value" in element:
        yield from check_string(element["value"], f"{at}/value", 2000, 0)
    if "url" in element:
        yield from check_string(element["url"], f"{at}/url", 3000)
    if "style" in element and element["style"] not in ("primary", "danger"):
        yield violation("must be one of: primary, danger", f"{at}/style")


def check_select(element: Json, at: str) -> Violations:
    """Checks a select menu of either kind."""
    if "placeholder" in element:
        yield from check_text(element["placeholder"], f"{at}/placeholder", 150, PLAIN)
    if not element["type"].endswith("static_select"):
        return
    if "option_groups" in element and "options" not in element:
        groups = element["option_groups"] if isinstance(element["option_groups"], list) else []
        for index, group in enumerate(groups):
            yield from check_text(group.get("label"), f"{at}/option_groups/{index}/label", 75, PLAIN)
            yield from check_options(group.get("options"), f"{at}/option_groups/{index}/options", 1, 100)
    else:
        yield from check_options(element.get("options"), f"{at}/options", 1, 100)


def check_element(element: JsonValue, at: str, allowed: frozenset[str]) -> Violations:
    """Checks an interactive element whose type must be in `allowed`."""
    if not isinstance(element, dict) or "type" not in element:
        yield violation("must provide an object with a type", at)
        return
    kind = element["type"]
    if kind not in allowed:
        yield violation(f"unsupported type: {kind}", f"{at}/type")
        return
    if "action_id" in element:
        yield from check_string(element["action_id"], f"{at}/action_id", 255)
    if "confirm" in element:
        yield from check_confirm(element["confirm"], f"{at}/confirm")
    if kind == "button":
        yield from check_button(element, at)
    elif kind == "overflow":
        yield from check_options(element.get("options"), f"{at}/options", 1, 5)
    elif kind in SELECTS:
        yield from check_select(element, at)
    elif kind in CHOICES:
        yield from check_options(element.get("options"), f"{at}/options", 1, 10)
    elif kind in INPUTS and "placeholder" in element:
        yield from check_text(element["placeholder"], f"{at}/placeholder", 150, PLAIN)


def check_image(value: Json, at: str, alt_needed: bool = True) -> Violations:
    """Checks an image: exactly one source, and its alternative text."""
    sources = [name for name in ("image_url", "slack_file") if name in value]
    if len(sources) != 1:
        yield violation("must provide exactly one of image_url or slack_file", at)
    elif sources == ["image_url"]:
        yield from check_string(value["image_url"], f"{at}/image_url", 3000)
    elif not isinstance(value["slack_file"], dict) or not {"id", "url"} & set(value["slack_file"]):
        yield violation("must provide an id or a url", f"{at}/slack_file")
    if alt_needed or "alt_text" in value:
        yield from check_string(value.get("alt_text"), f"{at}/alt_text", 2000)
