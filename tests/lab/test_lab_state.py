"""lab.json and the document that `firstmate lab up --json` prints."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from bot.errors import FirstmateError
from bot.lab.lab_state import LabInstance, LabState, Login, Urls, marker_of, new_marker, read, save

INSTANCE = LabInstance(
    "orders-1", "orders", "127.0.0.1", 3306, 33062, "admin", "secret", "primary", None, "mysql", "9.7.0"
)


@pytest.fixture
def state(tmp_path: Path) -> LabState:
    urls = Urls("http://p", "http://a", "http://b/alerts/alertmanager", "http://w")
    login = Login("replication", "secret")
    return LabState(
        tmp_path, "marker", (INSTANCE,), login, urls, tmp_path / "firstmate.yml", {"app": Login("app", "x")}
    )


def test_a_saved_state_is_read_unchanged(state: LabState):
    save(state)
    assert read(state.folder) == state


def test_lab_json_is_readable_by_its_owner_only(state: LabState):
    save(state)
    assert stat.S_IMODE((state.folder / "lab.json").stat().st_mode) == 0o600


def test_a_folder_without_a_lab_has_no_state(tmp_path: Path):
    assert read(tmp_path) is None
    assert marker_of(tmp_path) is None


@pytest.mark.parametrize("content", ["{", "[]", "7", '{"marker": "x"}', '{"instances": [{"name": "x"}]}'])
def test_an_invalid_file_is_reported_with_the_next_step(state: LabState, content: str):
    (state.folder / "lab.json").write_text(content, encoding="utf-8")
    with pytest.raises(FirstmateError, match=r"lab\.json cannot be read.*run `firstmate lab down`"):
        read(state.folder)


def test_a_file_of_an_older_version_is_reported_with_the_next_step(state: LabState):
    save(state)
    document = json.loads((state.folder / "lab.json").read_text(encoding="utf-8"))
    del document["instances"][0]["spare_port"]
    (state.folder / "lab.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(FirstmateError, match="another version"):
        read(state.folder)


def test_a_file_without_vitess_is_read(state: LabState):
    save(state)
    document = json.loads((state.folder / "lab.json").read_text(encoding="utf-8"))
    assert document.pop("vitess") is None
    (state.folder / "lab.json").write_text(json.dumps(document), encoding="utf-8")
    assert read(state.folder) == state


def test_each_lab_has_a_unique_marker(tmp_path: Path):
    assert new_marker(tmp_path) != new_marker(tmp_path)
