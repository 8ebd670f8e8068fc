"""The wheel as a user installs it without an extra: the product runs, and nothing of the lab is loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.cli.lab_help import PACKAGES
from bot.cli.main import MODULES
from tests import without_extras

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Done:
    """How a command of the installed wheel ended, and the modules of the lab that it loaded."""

    code: int
    out: str
    err: str
    lab: list[str]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the wheel is installed, without its dependencies and without the network."""
    wheels, folder = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(wheels)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = wheels.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile"]
    subprocess.run([*pip, "--target", str(folder), str(wheel)], check=True, capture_output=True)
    return folder


def run(installed: Path, *arguments: str) -> Done:
    """Runs `firstmate` of the wheel in a process of its own, with the packages of every extra hidden."""
    done = subprocess.run(
        [sys.executable, "-P", without_extras.__file__, *arguments],  # -P keeps tests/ off the path
        cwd=installed,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    out, _, report = done.stdout.rstrip().rpartition("\n")
    found = json.loads(report)
    assert Path(found["bot"]).is_relative_to(installed)
    return Done(found["code"], out, done.stderr, found["lab"])


def test_the_extra_s_packages_are_among_those_that_the_tests_hide():
    assert set(PACKAGES) < set(without_extras.EXTRAS)


def test_help_lists_every_command_without_loading_the_lab(installed: Path):
    done = run(installed, "--help")
    assert (done.code, done.lab) == (0, [])
    assert all(f" {name} " in done.out for name in MODULES)


def test_the_shipped_runbooks_are_linted_without_the_lab(installed: Path):
    done = run(installed, "lint")
    assert (done.code, done.lab) == (0, [])
    assert "no findings" in done.err


def test_serve_loads_nothing_of_the_lab(installed: Path):
    assert run(installed, "--import", "bot.cli.serve").lab == []
    unconfigured = run(installed, "serve")
    assert (unconfigured.code, unconfigured.lab) == (2, [])
    assert "No configuration" in unconfigured.err


@pytest.mark.parametrize("command", ["demo", "lab up"])
def test_without_the_extra_a_command_of_the_lab_says_what_to_install(installed: Path, command: str):
    done = run(installed, *command.split())
    assert done.code == 2
    assert "pip install 'firstmate[lab]'" in done.err
