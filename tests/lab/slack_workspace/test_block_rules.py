"""Block Kit's rules, one violation at a time."""

from __future__ import annotations

import pytest

from bot.lab.slack_workspace.block_kit.block_rules import check_blocks, with_ids


def plain(text: str) -> dict[str, object]:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> dict[str, object]:
    return {"type": "mrkdwn", "text": text}


def button(**more: object) -> dict[str, object]:
    return {"type": "button", "text": plain("Go"), "action_id": "go", **more}


def actions(*elements: dict[str, object]) -> dict[str, object]:
    return {"type": "actions", "elements": list(elements)}


GOOD = [
    {"type": "header", "text": plain("Title")},
    {"type": "section", "text": mrkdwn("*text*"), "fields": [mrkdwn("a")], "accessory": button()},
    {"type": "context", "elements": [mrkdwn("small"), {"type": "image", "image_url": "x", "alt_text": "a picture"}]},
    {"type": "divider"},
    actions(button(), button(action_id="stop", style="danger", confirm={"title": plain("?"), "text": plain("Sure?")})),
    {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}]},
    {"type": "table", "rows": [[{"type": "raw_text", "text": "cell"}]]},
    {"type": "plan", "title": "Triage", "tasks": [{"task_id": "t", "title": "one", "status": "complete"}]},
    {"type": "alert", "level": "warning", "text": mrkdwn("careful")},
]


def test_valid_blocks_have_no_violations():
    assert check_blocks(GOOD) == []


@pytest.mark.parametrize(
    ("block", "place"),
    [
        ({"type": "header", "text": mrkdwn("x")}, "/blocks/0/text"),
        ({"type": "header", "text": plain("x" * 151)}, "/blocks/0/text/text"),
        ({"type": "section"}, "/blocks/0"),
        ({"type": "section", "text": mrkdwn("")}, "/blocks/0/text/text"),
        ({"type": "section", "text": mrkdwn("x" * 3001)}, "/blocks/0/text/text"),
        ({"type": "section", "fields": [mrkdwn("x")] * 11}, "/blocks/0/fields"),
        ({"type": "context", "elements": []}, "/blocks/0/elements"),
        ({"type": "context", "elements": [mrkdwn("x")] * 11}, "/blocks/0/elements"),
        (actions(), "/blocks/0/elements"),
        (actions(*(button(action_id=str(n)) for n in range(26))), "/blocks/0/elements"),
        (actions(button(), button()), "/blocks/0/elements/1"),
        (actions(button(text=plain("x" * 76))), "/blocks/0/elements/0/text/text"),
        (actions(button(text=mrkdwn("x"))), "/blocks/0/elements/0/text"),
        (actions(button(value="x" * 2001)), "/blocks/0/elements/0/value"),
        (actions(button(action_id="x" * 256)), "/blocks/0/elements/0/action_id"),
        (actions(button(style="green")), "/blocks/0/elements/0/style"),
        (actions({"type": "overflow", "options": []}), "/blocks/0/elements/0/options"),
        ({"type": "image", "image_url": "x"}, "/blocks/0/alt_text"),
        ({"type": "table", "rows": [[]]}, "/blocks/0/rows/0"),
        ({"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * 21]}, "/blocks/0/rows/0"),
        ({"type": "markdown", "text": "x" * 12_001}, "/blocks/0/text"),
        ({"type": "divider", "block_id": "x" * 256}, "/blocks/0/block_id"),
        ({"type": "marquee"}, "/blocks/0"),
        ("text", "/blocks/0"),
    ],
)
def test_a_violation_names_its_place(block, place):
    faults = check_blocks([block])

    assert len(faults) == 1
    assert f"[json-pointer:{place}]" in faults[0]


def test_a_message_has_at_most_fifty_blocks():
    assert check_blocks([{"type": "divider"}] * 50) == []
    assert len(check_blocks([{"type": "divider"}] * 51)) == 1


def test_a_block_id_must_be_unique():
    twice = [{"type": "divider", "block_id": "same"}, {"type": "divider", "block_id": "same"}]

    assert "[json-pointer:/blocks/1]" in check_blocks(twice)[0]


def test_missing_ids_are_filled_in_a_copy_of_the_blocks():
    given = [{"type": "actions", "elements": [{"type": "button", "text": plain("Go")}]}]

    [filled] = with_ids(given)

    assert filled["block_id"]
    assert filled["elements"][0]["action_id"]
    assert "block_id" not in given[0]
