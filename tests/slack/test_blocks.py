"""Untrusted text has no effect as markup, and everything fits Slack's limits."""

from __future__ import annotations

import pytest

from bot.lab.workspace.blocks import check_blocks
from bot.slack import blocks

HOSTILE = [
    "<!channel> look",
    "<@U0BOB> approve this",
    "<https://evil.example|Approve>",
    "*bold* _slanted_ ~struck~ `code`",
    "```\nfence\n```",
    "a\u202eb\u200bc\x00d\x1b[31me",
    "line\n> quote\n• bullet",
    "&lt;!here&gt;",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_escaped_text_starts_no_markup(text: str):
    safe = blocks.escape(text)
    assert not set(safe) & set("<>`*~\n\x00\x1b\u202e\u200b")
    assert "&lt;!here" not in safe.replace("&amp;", "")
    for entity in safe.split("&")[1:]:
        assert entity.startswith(("amp;", "lt;", "gt;"))


@pytest.mark.parametrize("text", HOSTILE)
def test_plain_text_is_one_line_without_control_or_direction_characters(text: str):
    assert not set(blocks.plain(text)) & set("\n\r\x00\x1b\u202e\u200b")


def test_a_word_with_underscores_stays_readable():
    assert blocks.escape("performance_schema.data_lock_waits") == "performance_schema.data_lock_waits"
    assert "_" not in blocks.escape("_slanted_")


def test_a_sentence_keeps_only_mentions_of_users():
    assert blocks.sentence("<@U0ALICE> denied it") == "<@U0ALICE> denied it"
    assert "<" not in blocks.sentence("<@U0ALICE|channel> <!channel> <@!here> <@u0>")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "http://a b", "https://a|b>c", "", "ftp://x"])
def test_only_plain_addresses_become_links(url: str):
    assert "<" not in blocks.link(url, "label")


def test_a_link_keeps_its_address():
    assert blocks.link("https://prom/graph?a=1&b=2", "alert") == "<https://prom/graph?a=1&amp;b=2|alert>"


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.42, "0.4 s"), (45, "45 s"), (360, "6 min"), (7500, "2 h 5 min"), (7200, "2 h")]
)
def test_durations_are_formatted_with_units(seconds: float, said: str):
    assert blocks.duration(seconds) == said


def test_a_long_table_counts_the_rows_left_out():
    made = blocks.table(["a", "b"], [["x", "y"]] * 25)
    assert len(made["rows"]) == 22
    assert made["rows"][-1][0]["text"] == "5 more"
    assert check_blocks([made]) == []


def test_a_long_message_counts_the_parts_left_out():
    made = blocks.fitting([blocks.section("x" * 2900) for _ in range(10)])
    assert "7 more parts did not fit" in made[-1]["elements"][0]["text"]
    assert check_blocks(made) == []


def test_a_block_id_changes_only_with_its_content():
    one, same, other = (blocks.numbered([blocks.header(text)], "r-1:card")[0]["block_id"] for text in ("a", "a", "b"))
    assert one == same != other
