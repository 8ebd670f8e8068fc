"""Runbooks change while the bot runs and a run of one of them waits."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.engine.run import RunState
from bot.lab.lab_state import LabState
from bot.runbook.library.load_runbooks import shipped_folder
from tests.e2e.bots import running_bot
from tests.e2e.lab_bot import BOB, CHANNEL, Play, key_of, variant, words

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("stopped")]

NAME = "mysql/replication-stopped"


@dataclass
class Own:
    """A bot with a folder of runbooks of its own, which goes over the shipped ones."""

    play: Play
    file: Path

    def write(self, title: str, *, broken: bool = False) -> None:
        text = (shipped_folder() / f"{NAME}.yml").read_text(encoding="utf-8")
        text = text.replace("title: Replication has stopped", f"title: {title}", 1)
        self.file.write_text(text.replace("mysql.replica_status", "mysql.replica_statos") if broken else text)

    def listed(self) -> str:
        self.play.workspace.command(BOB, CHANNEL, "/runbook list")
        return self.play.told(BOB, "from")

    def in_force(self, title: str) -> None:
        self.play.workspace.wait_for(lambda: title in self.listed(), 30.0, f"{title!r} in the list")

    def told(self, text: str) -> str:
        """Waits for the message about the runbooks, with this text in it."""

        def look() -> str | None:
            messages = [m for m in self.play.workspace.messages(CHANNEL) if key_of(m).startswith("runbooks:")]
            return next((str(m["ts"]) for m in messages if text in words(m)), None)

        return self.play.workspace.wait_for(look, 30.0, f"A message with {text!r}")


@pytest.fixture(scope="module")
def own(lab: LabState, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    folder = tmp_path_factory.mktemp("own")
    (folder / "mysql").mkdir()
    play = Play(lab, variant(lab, folder.name, runbooks=[str(folder)]))
    own = Own(play, folder / f"{NAME}.yml")
    own.write("First title")
    with running_bot(play.path, log=lab.folder / "logs" / f"{folder.name}.log"):
        yield own


def test_a_change_is_taken_over_and_a_waiting_run_keeps_its_own(own: Own):
    run_id = own.play.fire()
    run = own.play.run_in(run_id, RunState.WAITING)
    assert run.title == "First title"
    own.in_force("First title")
    own.write("Second title")
    own.in_force("Second title")
    own.play.press(BOB, run, "run.approve")
    mended = own.play.run_in(run_id, RunState.MENDED)
    assert (mended.title, mended.runbook_digest) == ("First title", run.runbook_digest)


def test_a_broken_file_is_told_in_slack_and_in_the_metrics_until_it_is_mended(own: Own):
    own.write("Third title", broken=True)
    told = own.told("mysql.replica_statos")
    assert "Third title" not in own.listed()
    intake = own.play.config.intake
    with urllib.request.urlopen(f"http://{intake.host}:{intake.port}/metrics", timeout=10) as answer:
        metrics = answer.read().decode()
    assert 'firstmate_runbooks{of="broken"} 1.0' in metrics
    own.write("Fourth title")
    assert own.told("All runbooks are valid again") == told
    own.in_force("Fourth title")
