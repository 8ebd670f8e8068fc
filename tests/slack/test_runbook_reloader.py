"""Messages about runbooks that change while the bot is running."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.engine.outbox_port import Envelope
from bot.runbook.library.live_library import LiveLibrary
from bot.runbook_reloader import Reloader
from bot.store.outbox_store import OutboxStore

GOOD = "runbook: one\ntitle: T\nowner: me\ngather: {replica: mysql.replica_status}\n"
BROKEN = GOOD.replace("mysql.replica_status", "mysql.replica_statos <!channel>")


class Scene:
    """A runbook file, its reloader, and the recorded events."""

    def __init__(self, folder: Path, outbox: OutboxStore) -> None:
        self.path = folder / "one.yml"
        self.path.write_text(GOOD, encoding="utf-8")
        self.outbox = outbox
        self.events: list[str] = []
        self.live_library = LiveLibrary((folder,), folder)
        self.reloader = self.again()

    def again(self) -> Reloader:
        return Reloader(self.live_library, self.outbox, self.audit, "C1")

    def audit(self, event: str, data: Mapping[str, Any]) -> None:
        self.events.append(event)

    def write(self, text: str) -> None:
        self.path.write_text(text, encoding="utf-8")

    def content(self, envelope: Envelope) -> dict[str, Any]:
        return self.outbox.content(envelope.key)[0]

    def wanted(self) -> list[Envelope]:
        return list(self.outbox.due())


@pytest.fixture
def scene(tmp_path: Path, outbox: OutboxStore) -> Scene:
    folder = tmp_path / "runbooks"
    folder.mkdir()
    return Scene(folder, outbox)


def test_a_valid_change_is_counted_and_audited_without_a_message(scene: Scene):
    scene.write(GOOD.replace("title: T", "title: Another"))
    scene.reloader.check()
    scene.reloader.check()
    assert (scene.events, scene.wanted()) == (["runbooks.reloaded"], [])
    assert scene.reloader.counts == {"broken": 0.0, "reloads": 1.0}


def test_a_broken_file_is_reported_once_with_the_position(scene: Scene):
    scene.write(BROKEN)
    scene.reloader.check()
    assert scene.wanted() == []
    assert scene.reloader.counts["broken"] == 1.0
    scene.reloader.check()
    [message] = scene.wanted()
    text = scene.content(message)["blocks"][0]["text"]["text"]
    assert message.channel == "C1"
    assert "one.yml:4:" in text
    assert "mysql.replica_status" in text
    assert "<!channel>" not in text
    assert scene.events == ["runbooks.broken"]
    scene.reloader.check()
    assert len(scene.wanted()) == 1


def test_the_message_is_updated_when_the_file_is_valid_again(scene: Scene):
    scene.write(BROKEN)
    scene.reloader.check()
    scene.reloader.check()
    [told] = scene.wanted()
    scene.write(GOOD.replace("title: T", "title: Fixed"))
    scene.reloader.check()
    [mended] = scene.wanted()
    assert mended.key == told.key
    assert "valid again; now in force: one" in scene.content(mended)["text"]
    assert scene.reloader.counts["broken"] == 0.0
    scene.write(BROKEN)
    scene.reloader.check()
    scene.reloader.check()
    assert {message.key for message in scene.wanted()} > {told.key}


def test_a_half_written_file_causes_no_message(scene: Scene):
    scene.write(BROKEN)
    scene.reloader.check()
    scene.write(GOOD)
    scene.reloader.check()
    scene.reloader.check()
    assert scene.wanted() == []


def test_a_file_that_is_broken_at_the_start_is_reported(scene: Scene):
    scene.write(BROKEN)
    scene.live_library.refresh()
    fresh = scene.again()
    assert fresh.counts["broken"] == 1.0
    fresh.check()
    assert len(scene.wanted()) == 1
