"""Text of a server: what is no UTF-8 is shown as bytes, and fails nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.fleet.lenient_text import LENIENT


@given(st.text())
def test_text_stays_as_it_is(text):
    sent = text.encode(LENIENT, "surrogatepass")
    assert sent.decode("utf-8", "surrogatepass") == text
    if not any("\ud800" <= each <= "\udfff" for each in text):
        assert sent.decode(LENIENT) == text


@given(st.binary())
def test_any_bytes_are_read(data):
    assert isinstance(data.decode(LENIENT), str)


def test_what_is_no_text_is_shown_as_bytes():
    assert b"a\x00\xff".decode(LENIENT) == "a\x00\\xff"
