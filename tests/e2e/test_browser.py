"""A person opens the page, reads the card, presses Approve, and sees it mended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from bot.engine.run import RunState
from bot.lab.replication import replicates
from tests.e2e.lab_bot import BOB, CHANNEL, REPLICA, Play

pytestmark = [pytest.mark.lab, pytest.mark.browser, pytest.mark.usefixtures("stopped")]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1500, "height": 1100})
    yield context.new_page()
    context.close()


def test_pressing_approve_on_the_page_mends_the_replica(page: Page, play: Play, tmp_path: Path):
    run_id = play.fire()
    card = play.message(run_id, "card", holds="1205")
    play.button(run_id, "run.approve")
    page.goto(f"{play.lab.urls.workspace}/c/{CHANNEL}?thread={card['ts']}")
    page.wait_for_selector("[data-live]")
    assert page.get_by_label("Act as").input_value() == BOB
    thread = page.get_by_role("complementary", name="Thread")
    expect(thread).to_contain_text("1205")
    expect(thread).to_contain_text("START REPLICA SQL_THREAD")
    page.screenshot(path=tmp_path / "waiting.png")

    thread.get_by_role("button", name="Approve").click()
    page.get_by_role("dialog").get_by_role("button", name="Run").click()

    play.run_in(run_id, RunState.MENDED)
    expect(thread).to_contain_text("Fixed and verified")
    expect(thread.get_by_role("button", name="Approve")).to_have_count(0)
    assert replicates(play.lab.instance(REPLICA))
    page.screenshot(path=tmp_path / "mended.png")
