"""Every segment is stored under the name that released versions use, and is read back from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.engine import segments
from bot.engine.segments import Segment, decode, encode
from bot.errors import FirstmateError

STORED: dict[str, Segment] = {
    "triage": segments.Triage(),
    "triage-watch-1": segments.TriageWatch(1),
    "triage-watch-30": segments.TriageWatch(30),
    "triage-again": segments.TriageAgain(),
    "expire": segments.Expire(),
    "resolved": segments.Resolved(),
    "report": segments.Report(),
    "joined-1": segments.Joined(1),
    "change": segments.Change(),
    "change-12": segments.Change(12),
    "effect-1": segments.Effect(1),
    "effect-1767225600": segments.Effect(1_767_225_600),
    "silenced-0-a-b-1": segments.Silenced(0, "a-b-1"),
    "silenced-59-0f6c5a4e-7f0a-4f0e-8a54-0a3f6b1f2c3d": segments.Silenced(59, "0f6c5a4e-7f0a-4f0e-8a54-0a3f6b1f2c3d"),
    "unpause-1767225600": segments.Unpause(1_767_225_600),
    "revert-0": segments.Revert(0),
    "revert-3": segments.Revert(3),
    "undo-3-U0BOB": segments.Undo(3, "U0BOB"),
    "undo-10-U0-BOB": segments.Undo(10, "U0-BOB"),
}
STORED_BY_EARLIER_VERSIONS: dict[str, Segment] = {
    "watch-1": segments.TriageWatch(1),
    "revert": segments.Revert(0),
    "undo-U0BOB": segments.Undo(0, "U0BOB"),
}


@pytest.mark.parametrize("name", STORED)
def test_a_stored_name_is_decoded_and_encoded_to_the_same_bytes(name: str):
    assert decode(name) == STORED[name]
    assert encode(decode(name)) == name


@pytest.mark.parametrize("name", STORED_BY_EARLIER_VERSIONS)
def test_a_name_of_an_earlier_version_is_decoded_to_the_segment_of_today(name: str):
    assert decode(name) == STORED_BY_EARLIER_VERSIONS[name]
    assert decode(encode(decode(name))) == decode(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "triage-",
        "triage-watch",
        "triage-watch-x",
        "triage-watch-01",
        "expire-1",
        "joined",
        "change-",
        "change--1",
        "silenced-1",
        "silenced-1-",
        "unpause",
        "revert-x",
        "undo",
        "undo-3",
        "undo-3-",
        "CHANGE",
        " change",
        "change\n",
        "unpause-" + "9" * 5000,
        "change-\u0663",
    ],
)
def test_any_other_name_is_an_error_that_quotes_it(name: str):
    with pytest.raises(FirstmateError, match="There is no segment"):
        decode(name)


@given(st.text(max_size=60) | st.from_regex(r"(triage|undo|change|revert|silenced)[-a-z0-9U]{0,20}", fullmatch=True))
def test_any_text_is_decoded_or_is_an_error(name: str):
    try:
        segment = decode(name)
    except FirstmateError:
        return
    assert decode(encode(segment)) == segment


@pytest.mark.parametrize("kind", segments.Kind)
def test_a_name_begins_with_its_kind(kind: segments.Kind):
    names = [name for name in STORED if name.startswith(kind)]
    assert names
    assert all(name == kind or name.startswith(f"{kind}-") for name in names)


def test_the_end_of_a_pause_is_named_after_the_second_in_which_it_was_requested():
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert segments.Unpause.of(at) == segments.Unpause.of(at + timedelta(milliseconds=400))
    assert encode(segments.Unpause.of(at)) == f"unpause-{at.timestamp():.0f}"
