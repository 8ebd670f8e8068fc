"""Every example of the documentation is executed: YAML is read by what it is for, commands are run where they stand.

The info string of a block says what it is:

    yaml file=PATH [wrong]   a file that the commands after it find; a runbook must be clean, unless it is `wrong`
    yaml runbook             a whole runbook: clean, and its tests pass
    yaml match | gather      that part of a runbook
    yaml config | policy | alertmanager | pre-commit | fragment
    console [live]           commands with what they print; `live` ones need servers, so only their options are held
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
import yaml

import bot
from bot.cli.main import command
from bot.cli.terminal import library
from bot.config import load
from bot.policy import load_policy
from bot.runbook.language.json_schema import runbook_schema
from bot.runbook.language.schema import Runbook
from bot.runbook.linting.lint_text import lint_text
from bot.runbook.reference import language_tables
from tests.shell import firstmate

TOP = Path(bot.__file__).parents[1]
PAGES = [TOP / "README.md", *sorted((TOP / "docs").glob("*.md"))]
PLAIN = {"text", "sql", ""}
"""Blocks that nothing executes; the SQL is held by tests of its own."""
AROUND = "runbook: a/b\ntitle: t\nowner: o\n"
STEP = "gather: {replica: mysql.replica_status}\n"


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: Path
    line: int
    info: str
    text: str

    @property
    def words(self) -> list[str]:
        return self.info.split()

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line} {self.info}"


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in re.finditer(r"^```([^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield Block(page, text.count("\n", 0, found.start()) + 1, found[1].strip(), found[2])


ALL = [block for page in PAGES for block in blocks(page)]
YAML = [block for block in ALL if block.info.startswith("yaml")]


def squeezed(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("block", ALL, ids=str)
def test_every_block_says_what_it_is(block: Block):
    assert block.info in PLAIN or block.words[0] in ("yaml", "console"), f"{block}: unknown kind"
    if block.words and block.words[0] == "yaml":
        assert len(block.words) > 1, f"{block}: say what it is"


@pytest.mark.parametrize("block", YAML, ids=str)
def test_yaml_is_what_it_is_for(block: Block, tmp_path: Path):
    kind = block.words[1]
    if kind == "runbook":
        clean(block.text, tmp_path)
    elif kind.startswith("file="):
        if block.text.lstrip("# ").find("runbook: ") >= 0 and "wrong" not in block.words:
            clean(block.text, tmp_path)
    elif kind in ("match", "gather"):
        whole = AROUND + (block.text if kind == "gather" else block.text + STEP)
        assert [f for f in lint_text(whole, str(block)).findings if f.rule != "unread-step"] == []
    elif kind == "config":
        (tmp_path / "firstmate.yml").write_text(block.text, encoding="utf-8")
        load(tmp_path / "firstmate.yml")
    elif kind == "policy":
        (tmp_path / "policy.yml").write_text(block.text, encoding="utf-8")
        assert load_policy(tmp_path / "policy.yml").freezes
    elif kind == "pre-commit":
        hooks = {hook["id"] for hook in yaml.safe_load((TOP / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))}
        assert {hook["id"] for repo in yaml.safe_load(block.text)["repos"] for hook in repo["hooks"]} <= hooks
    else:
        assert kind in ("alertmanager", "fragment"), f"{block}: unknown kind"
        yaml.safe_load(block.text)


def clean(text: str, folder: Path) -> None:
    """A runbook without any finding, whose tests pass."""
    name = re.search(r"^runbook: (\S+)$", text, re.MULTILINE)
    assert name is not None
    path = folder / "runbooks" / f"{name[1]}.yml"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    linted = firstmate("lint", "--strict", folder / "runbooks")
    assert linted.code == 0, linted.out
    tested = firstmate("test", folder / "runbooks")
    assert tested.code == 0, tested.out


def commands_of(block: Block) -> Iterator[tuple[str, int, list[str]]]:
    """Each command, its exit code, and the lines that it is said to print."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        line, *output = part.rstrip("\n").split("\n")
        written, _, comment = line.partition("#")
        code = re.search(r"exit (\d)", comment)
        yield written.strip(), int(code[1]) if code else 0, [each for each in output if each.strip()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_of_a_page_do_what_it_says(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for block in blocks(page):
        if block.words[:1] == ["yaml"] and block.words[1].startswith("file="):
            path = tmp_path / block.words[1].removeprefix("file=")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        if block.info == "console":
            for line, code, output in commands_of(block):
                run(block, line, code, output)


def run(block: Block, line: str, code: int, output: list[str]) -> None:
    if not line.startswith("firstmate "):
        assert re.fullmatch(r"make [a-z-]+( \w+=\w+)?", line), f"{block}: {line}"
        target = line.split()[1]
        assert re.search(rf"^{target}:", (TOP / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        return
    shell, _, into = line.partition(" > ")
    said = firstmate(*shlex.split(shell)[1:])
    assert said.code == code, f"{block}: {line}\n{said.out}{said.err}"
    if into:
        Path(into).write_text(said.out, encoding="utf-8")
    for each in output:
        assert squeezed(each) in squeezed(said.out + said.err), f"{block}: {line} does not print {each!r}\n{said.out}"


@pytest.mark.parametrize("block", [block for block in ALL if block.info == "console live"], ids=str)
def test_commands_that_need_servers_have_the_options_that_they_show(block: Block):
    for line, _, _ in commands_of(block):
        words = shlex.split(line)
        assert words[0] == "firstmate", line
        group = typer.main.get_command(command(words[1]))
        place = group.commands[words[1]]  # type: ignore[attr-defined]
        rest = words[2:]
        if hasattr(place, "commands") and rest:
            place, rest = place.commands[rest[0]], rest[1:]
        place.make_context(words[1], rest, resilient_parsing=False)


def test_the_tables_of_the_reference_are_what_the_code_makes():
    page = (TOP / "docs/runbooks.md").read_text(encoding="utf-8")
    assert page == language_tables.regenerate(page), "generate them again: make docs"


def test_every_key_of_the_language_is_explained():
    page = (TOP / "docs/runbooks.md").read_text(encoding="utf-8")
    parts = set(re.findall(r"<!-- keys: (\w+) -->", page))
    assert parts == {"Runbook", *runbook_schema()["$defs"]}
    for table in re.findall(r"<!-- keys: \w+ -->\n(.*?)<!-- end -->", page, re.DOTALL):
        assert not re.search(r"\|  \|$", table, re.MULTILINE), table


def test_the_example_of_every_key_has_every_key():
    [block] = [block for block in YAML if block.words[1] == "runbook"]
    assert set(yaml.safe_load(block.text)) == {field.alias or name for name, field in Runbook.model_fields.items()}


def test_the_line_for_editors_is_in_the_guide():
    assert "# yaml-language-server: $schema=" in (TOP / "docs/authoring.md").read_text(encoding="utf-8")
    assert library(None).runbooks
