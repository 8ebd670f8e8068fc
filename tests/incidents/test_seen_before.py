"""What a card says about earlier runs with the same cause."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.incidents.seen_before import MOST_EARLIER, Held, Occurrence, seen_before, span

NOW = datetime(2026, 3, 10, 3, 0, tzinfo=UTC)
TODAY = Occurrence("r-now", "now", "orders-2", NOW, NOW)


def before(number: int, *, days: float, held: Held = Held.HELD, **more: Any) -> Occurrence:
    began = NOW - timedelta(days=days)
    done = more.pop("done", "the session was killed")
    plain = Occurrence(f"r-{number}", f"f-{number}", "orders-2", began, began + timedelta(minutes=5), held, done)
    return replace(plain, **more)


def says(*earlier: Occurrence, now: Occurrence = TODAY) -> str:
    found = seen_before(now, earlier)
    assert found is not None
    return found.says


def test_a_cause_that_leads_for_the_first_time_has_nothing_to_say():
    assert seen_before(TODAY, ()) is None
    assert seen_before(TODAY, (TODAY,)) is None


def test_how_often_in_what_time_what_was_done_and_how_long_it_held():
    name: dict[str, Any] = {"workload": "job:purge"}
    now = replace(TODAY, workload="job:purge")
    earlier = (before(2, days=0.75, **name), before(1, days=6, **name))
    found = seen_before(now, earlier)
    assert found is not None
    assert (found.times, found.more, found.since, found.last_run) == (3, False, NOW - timedelta(days=6), "r-2")
    assert found.says == (
        "Third time in 6 days on orders-2. The session was killed twice, which helped; "
        "it came back after 18 h to 5 days. It came from job:purge each time."
    )


@pytest.mark.parametrize(
    ("held", "sentence"),
    [
        (Held.NOT_HELPED, "The session was killed once, which did not help."),
        (Held.WATCHED, "The session was killed once; whether it helped is unknown."),
        (Held.UNKNOWN, "The session was killed once; whether it helped is unknown."),
        (Held.FAILED, "Once, the change failed."),
        (Held.UNDONE, "The session was killed once, which was undone."),
        (Held.NOTHING_DONE, "Once, nothing was changed."),
    ],
)
def test_only_a_verified_change_is_said_to_have_helped(held: Held, sentence: str):
    text = says(before(1, days=2, held=held))
    assert text == f"Second time in 2 days on orders-2. {sentence}"
    assert "helped;" not in text


def test_a_sibling_is_named_and_its_change_did_not_come_back_here():
    assert says(before(1, days=2, target="orders-3")) == (
        "Second time in 2 days; before on orders-3. The session was killed once, which helped."
    )


def test_a_run_that_is_tried_again_is_the_same_time():
    earlier = before(1, days=0.01, firing="now", held=Held.NOT_HELPED)
    found = seen_before(TODAY, (earlier,))
    assert found is not None
    assert found.times == 1
    assert found.says == "It was found for this alert before. The session was killed once, which did not help."


def test_a_workload_that_was_another_one_is_not_named():
    assert "from" not in says(before(1, days=1, workload="etl"), now=replace(TODAY, workload="job:purge"))
    text = says(
        before(2, days=1, workload="etl"), before(1, days=2, workload="etl"), now=replace(TODAY, workload="etl")
    )
    assert text.endswith("It came from etl each time.")


def test_many_are_counted_up_to_the_limit():
    text = says(*(before(n, days=1 + n / 10) for n in range(MOST_EARLIER)))
    assert text.startswith("At least 21 times in 3 days on orders-2.")


@given(st.lists(st.tuples(st.floats(0.001, 29), st.sampled_from(Held)), max_size=MOST_EARLIER))
def test_it_is_always_sentences(drawn: list[tuple[float, Held]]):
    found = seen_before(TODAY, [before(n, days=days, held=held) for n, (days, held) in enumerate(drawn)])
    if found is not None:
        assert found.says.endswith(".")
        assert "  " not in found.says
        assert found.times == len(drawn) + 1


@pytest.mark.parametrize(
    ("seconds", "text"), [(40, "40 s"), (720, "12 min"), (18_000, "5 h"), (518_400, "6 days"), (129_600, "2 days")]
)
def test_a_span_has_one_unit(seconds: float, text: str):
    assert span(timedelta(seconds=seconds)) == text
