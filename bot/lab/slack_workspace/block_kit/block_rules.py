"""Validates lists of blocks as Slack does for invalid_blocks, and fills in missing ids.

Sources: Slack's reference of blocks, and limits observed in practice.
"""

from __future__ import annotations

import copy
import json
import secrets
from collections.abc import Callable, Iterator
from typing import Literal

from bot.lab.slack_workspace.block_kit.element_rules import (
    IN_ACTIONS,
    IN_INPUT,
    PLAIN,
    Violations,
    check_element,
    check_image,
    check_string,
    check_text,
    violation,
)
from bot.lab.slack_workspace.model import Json, JsonValue

Surface = Literal["message", "modal"]
MOST_BLOCKS = {"message": 50, "modal": 100}
MOST_TEXT = 13_000  # characters in the blocks of a message; undocumented, observed in practice
MOST_MARKDOWN = 12_000
MOST_TABLE_TEXT = 10_000


def _header(block: Json, at: str) -> Violations:
    yield from check_text(block.get("text"), f"{at}/text", 150, PLAIN)


def _section(block: Json, at: str) -> Violations:
    if "text" not in block and "fields" not in block:
        yield violation("must provide either text or fields", at)
    if "text" in block:
        yield from check_text(block["text"], f"{at}/text", 3000)
    if "fields" in block:
        fields = block["fields"]
        if not isinstance(fields, list) or not 1 <= len(fields) <= 10:
            yield violation("must have between 1 and 10 items", f"{at}/fields")
        else:
            for index, field in enumerate(fields):
                yield from check_text(field, f"{at}/fields/{index}", 2000)
    if "accessory" in block:
        accessory = block["accessory"]
        if isinstance(accessory, dict) and accessory.get("type") == "image":
            yield from check_image(accessory, f"{at}/accessory")
        else:
            yield from check_element(accessory, f"{at}/accessory", IN_ACTIONS)


def _context(block: Json, at: str) -> Violations:
    elements = block.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= 10:
        yield violation("must have between 1 and 10 items", f"{at}/elements")
        return
    for index, element in enumerate(elements):
        here = f"{at}/elements/{index}"
        if isinstance(element, dict) and element.get("type") == "image":
            yield from check_image(element, here)
        else:
            yield from check_text(element, here, 3000)


def _divider(block: Json, at: str) -> Violations:
    return iter(())


def _image(block: Json, at: str) -> Violations:
    yield from check_image(block, at)
    if "title" in block:
        yield from check_text(block["title"], f"{at}/title", 2000, PLAIN)


def _actions(block: Json, at: str) -> Violations:
    elements = block.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= 25:
        yield violation("must have between 1 and 25 items", f"{at}/elements")
        return
    seen: set[str] = set()
    for index, element in enumerate(elements):
        yield from check_element(element, f"{at}/elements/{index}", IN_ACTIONS)
        action_id = element.get("action_id") if isinstance(element, dict) else None
        if action_id in seen:
            yield violation(f"`action_id` {action_id} already exists", f"{at}/elements/{index}")
        if action_id:
            seen.add(action_id)


def _input(block: Json, at: str) -> Violations:
    yield from check_text(block.get("label"), f"{at}/label", 2000, PLAIN)
    if "hint" in block:
        yield from check_text(block["hint"], f"{at}/hint", 2000, PLAIN)
    yield from check_element(block.get("element"), f"{at}/element", IN_INPUT)


def _rich_text(block: Json, at: str) -> Violations:
    elements = block.get("elements")
    if not isinstance(elements, list):
        yield violation("missing required field: elements", at)
        return
    kinds = {"rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"}
    for index, element in enumerate(elements):
        here = f"{at}/elements/{index}"
        if not isinstance(element, dict) or element.get("type") not in kinds:
            yield violation(f"must be one of: {', '.join(sorted(kinds))}", here)
        elif not isinstance(element.get("elements"), list):
            yield violation("missing required field: elements", here)
        elif element["type"] == "rich_text_list" and element.get("style") not in ("bullet", "ordered"):
            yield violation("must be one of: bullet, ordered", f"{here}/style")


def _table(block: Json, at: str) -> Violations:
    rows = block.get("rows")
    if not isinstance(rows, list) or not 1 <= len(rows) <= 100:
        yield violation("must have between 1 and 100 items", f"{at}/rows")
        return
    for index, row in enumerate(rows):
        here = f"{at}/rows/{index}"
        if not isinstance(row, list) or not 1 <= len(row) <= 20:
            yield violation("must have between 1 and 20 items", here)
            continue
        for column, cell in enumerate(row):
            kind = cell.get("type") if isinstance(cell, dict) else None
            if kind not in ("raw_text", "raw_number", "rich_text"):
                yield violation("must be one of: raw_text, raw_number, rich_text", f"{here}/{column}")
            elif kind == "raw_text":
                yield from check_string(cell.get("text"), f"{here}/{column}/text", MOST_TABLE_TEXT)
    if len(json.dumps(rows)) > MOST_TABLE_TEXT * 4 or sum(map(len, _texts(rows))) > MOST_TABLE_TEXT:
        yield violation(f"must be less than {MOST_TABLE_TEXT + 1} characters", f"{at}/rows")


def _markdown(block: Json, at: str) -> Violations:
    yield from check_string(block.get("text"), f"{at}/text", MOST_MARKDOWN)


def _plan(block: Json, at: str) -> Violations:
    yield from check_string(block.get("title"), f"{at}/title", 300)
    tasks = block.get("tasks", [])
    if not isinstance(tasks, list) or len(tasks) > 50:
        yield violation("must have at most 50 items", f"{at}/tasks")
        return
    for index, task in enumerate(tasks):
        yield from _task_card(task if isinstance(task, dict) else {}, f"{at}/tasks/{index}")


def _task_card(block: Json, at: str) -> Violations:
    yield from check_string(block.get("task_id"), f"{at}/task_id", 255)
    yield from check_string(block.get("title"), f"{at}/title", 300)
    if block.get("status", "pending") not in ("pending", "in_progress", "complete", "error"):
        yield violation("must be one of: pending, in_progress, complete, error", f"{at}/status")
    for name in ("details", "output"):
        if name in block:
            yield from _rich_text(block[name] if isinstance(block[name], dict) else {}, f"{at}/{name}")


def _alert(block: Json, at: str) -> Violations:
    yield from check_text(block.get("text"), f"{at}/text", 3000)
    if block.get("level", "default") not in ("default", "info", "warning", "error", "success"):
        yield violation("must be one of: default, info, warning, error, success", f"{at}/level")


def _present(*names: str) -> Callable[[Json, str], Violations]:
    def check(block: Json, at: str) -> Violations:
        return (violation(f"missing required field: {name}", at) for name in names if name not in block)

    return check


BLOCKS: dict[str, Callable[[Json, str], Violations]] = {
    "actions": _actions,
    "alert": _alert,
    "context": _context,
    "context_actions": _present("elements"),
    "data_table": _present("rows"),
    "data_visualization": _present("chart"),
    "divider": _divider,
    "file": _present("external_id", "source"),
    "header": _header,
    "image": _image,
    "input": _input,
    "markdown": _markdown,
    "plan": _plan,
    "rich_text": _rich_text,
    "section": _section,
    "table": _table,
    "task_card": _task_card,
    "video": _present("video_url", "thumbnail_url", "alt_text", "title"),
}
NOT_IN_MODALS = frozenset({"table", "data_table", "markdown", "plan", "task_card", "data_visualization", "file"})


def check_blocks(blocks: list[JsonValue], surface: Surface = "message", at: str = "/blocks") -> list[str]:
    """Returns all violations in a list of blocks, in Slack's words; empty if Slack would accept it."""
    violations = list(_check_each(blocks, surface, at))
    most = MOST_BLOCKS[surface]
    if len(blocks) > most:
        violations.append(violation(f"no more than {most} items allowed", at))
    kinds = [block.get("type") for block in blocks if isinstance(block, dict)]
    if kinds.count("table") > 1:
        violations.append(violation("only one table is allowed", at))
    markdown = [block.get("text") for block in blocks if isinstance(block, dict) and block.get("type") == "markdown"]
    if len(markdown) > 1 and sum(len(text) for text in markdown if isinstance(text, str)) > MOST_MARKDOWN:
        violations.append(violation(f"markdown blocks must be less than {MOST_MARKDOWN + 1} characters together", at))
    return violations


def _check_each(blocks: list[JsonValue], surface: Surface, at: str) -> Violations:
    ids: set[str] = set()
    for index, block in enumerate(blocks):
        here = f"{at}/{index}"
        kind = block.get("type") if isinstance(block, dict) else None
        check = BLOCKS.get(str(kind))
        if check is None or (surface == "modal" and kind in NOT_IN_MODALS):
            yield violation(f"unsupported type: {kind}" if kind else "missing required field: type", here)
            continue
        if "block_id" in block:
            yield from check_string(block["block_id"], f"{here}/block_id", 255)
            if block["block_id"] in ids:
                yield violation(f"`block_id` {block['block_id']} already exists", here)
            ids.add(str(block["block_id"]))
        yield from check(block, here)


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            if isinstance(item, str):
                if name in ("text", "title", "alt_text"):
                    yield item
            else:
                yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def text_length(blocks: list[Json]) -> int:
    """Returns the number of characters of all texts in the blocks."""
    return sum(map(len, _texts(blocks)))


def with_ids(blocks: list[Json]) -> list[Json]:
    """Returns a copy of the blocks with missing block_id and action_id filled in, as Slack does."""
    filled = copy.deepcopy(blocks)
    for block in filled:
        block.setdefault("block_id", secrets.token_hex(3))
        for element in interactive(block):
            element.setdefault("action_id", secrets.token_hex(3))
    return filled


def interactive(block: Json) -> list[Json]:
    """Returns the interactive elements of a block."""
    kind = block.get("type")
    if kind in ("actions", "context_actions"):
        return [element for element in block["elements"] if isinstance(element, dict)]
    if kind == "section" and block.get("accessory", {}).get("type", "image") != "image":
        return [block["accessory"]]
    return [block["element"]] if kind == "input" else []
