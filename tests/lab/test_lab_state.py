"""What a lab is, as it is kept and printed."""

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


def test_it_is_read_as_it_was_saved(state: LabState):
    save(state)
    assert read(state.folder) == state


def test_its_file_is_for_its_owner_alone(state: LabState):
    save(state)
    assert stat.S_IMODE((state.folder / "lab.json").stat().st_mode) == 0o600


def test_without_one_there_is_none(tmp_path: Path):
    assert read(tmp_path) is None
    assert marker_of(tmp_path) is None


@pytest.mark.parametrize("content", ["{", "[]", "7", '{"marker": "x"}', '{"instances": [{"name": "x"}]}'])
def test_one_that_does_not_fit_is_told_with_what_to_do(state: LabState, content: str):
    (state.folder / "lab.json").write_text(content, encoding="utf-8")
    with pytest.raises(FirstmateError, match=r"lab\.json cannot be read.*run `firstmate lab down`"):
        read(state.folder)


def test_one_of_an_older_version_is_told_too(state: LabState):
    save(state)
    document = json.loads((state.folder / "lab.json").read_text(encoding="utf-8"))
    del document["instances"][0]["spare_port"]
    (state.folder / "lab.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(FirstmateError, match="another version"):
        read(state.folder)


def test_one_from_before_there_was_vitess_is_read_too(state: LabState):
    save(state)
    document = json.loads((state.folder / "lab.json").read_text(encoding="utf-8"))
    assert document.pop("vitess") is None
    (state.folder / "lab.json").write_text(json.dumps(document), encoding="utf-8")
    assert read(state.folder) == state


def test_each_lab_has_a_marker_of_its_own(tmp_path: Path):
    assert new_marker(tmp_path) != new_marker(tmp_path)
