"""The documentation says what the code does; links and anchors resolve, and generated parts are up to date."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

import bot
from actions import catalog
from actions.contract import Flavour, ServerVersion
from actions.vitess_contract import Vitess
from bot.config import Shard
from bot.doctor import report as doctor
from bot.doctor.instance_report import InstanceReport, ServiceReport
from bot.doctor.user_privileges import assess_user
from bot.engine.pausing import PAUSED_FOR
from bot.engine.plan import Plan
from bot.engine.run import Assignment, PauseRequest, Run, RunState
from bot.engine.targets import Target
from bot.incidents.reopened_thread import REOPENS_WITHIN
from bot.lab.database_users import FIRSTMATE
from bot.lab.fault_injection.fault_file import faults
from bot.lab.lab_state import LabInstance
from bot.privileges.grant_parser import AccountPrivileges, Privilege
from bot.privileges.missing_privileges import all_required
from bot.privileges.privilege_corrections import granting
from bot.reference.markdown import anchor
from bot.reference.pages import GENERATED, filled, parts
from bot.runbook.expressions.names import TARGET
from bot.shell_run import Report
from bot.slack.run_messages import render
from bot.slack.slash_commands import HELP
from tests import screenshots
from tests.samples import NOW, change, plan, run, waiting

TOP = Path(bot.__file__).parents[1]
PAGES = [TOP / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")]
PAGES += sorted((TOP / "docs").glob("*.md"))
DOCS = {page.stem: page.read_text(encoding="utf-8") for page in PAGES}
SHARD = {
    "name": "orders",
    "flavour": "mysql",
    "reader": {"user": "firstmate_reader", "password": {"env": "NONE"}},
    "instances": [{"name": "orders-1", "host": "db1", "role": "primary", "spare_port": 33062}],
}


def blocks(page: str, language: str) -> list[str]:
    """The fenced examples of one language on a page, in order."""
    return re.findall(rf"^```{language}(?: \w+)?\n(.*?)^```$", DOCS[page], re.MULTILINE | re.DOTALL)


def section(page: str, heading: str) -> str:
    """The text below a heading, up to the next heading of any level."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", DOCS[page], re.MULTILINE | re.DOTALL)
    assert found is not None, heading
    return found[1]


# -- the README ---------------------------------------------------------------------------------------------------


def test_the_readme_has_at_most_150_lines():
    assert len(DOCS["README"].splitlines()) <= 150


def test_the_first_commands_of_the_readme_are_the_demo_and_the_tests():
    shown = re.findall(r"^\$ (.*?)(?: +#.*)?$", blocks("README", "console")[0], re.MULTILINE)
    assert shown == ["make demo", "make test"]


def test_the_installation_of_the_readme_has_ten_steps():
    assert re.findall(r"^(\d+)\. ", section("README", "Install"), re.MULTILINE) == [str(n) for n in range(1, 11)]


def test_the_readme_links_to_every_page():
    linked = set(re.findall(r"\]\(docs/([\w-]+)\.md\)", section("README", "Documentation")))
    assert linked == {page.stem for page in (TOP / "docs").glob("*.md")}


# -- pictures -----------------------------------------------------------------------------------------------------


def test_the_pictures_show_the_cards_that_the_code_renders():
    committed = screenshots.TEXT.read_text(encoding="utf-8")
    assert screenshots.text() == committed, "a card has changed; take the pictures again: make screenshots"


def test_the_pictures_are_small_and_shown():
    pictures = sorted(screenshots.IMAGES.glob("*.png"))
    assert pictures
    for picture in pictures:
        assert picture.stat().st_size < 300_000, picture
        assert any(f"images/{picture.name})" in text for text in DOCS.values()), picture


# -- installation -------------------------------------------------------------------------------------------------


def test_the_receiver_of_alertmanager_reaches_the_intake():
    [example] = [yaml.safe_load(block) for block in blocks("install", "yaml") if "webhook_configs" in block]
    [webhook] = example["receivers"][0]["webhook_configs"]
    assert webhook["url"].endswith(":9195/alerts/alertmanager")
    assert webhook["http_config"]["authorization"]["type"] == "Bearer"
    assert example["route"]["routes"][0]["receiver"] == example["receivers"][0]["name"]


@pytest.mark.parametrize(("flavour", "place"), [("mysql", 0), ("mariadb", 1)])
def test_the_grants_are_those_of_the_lab(flavour: str, place: int):
    shown = re.findall(r"^(GRANT .*) TO '(\w+)'@", blocks("install", "sql")[place], re.MULTILINE)
    assert shown == [(grant, user) for user, grants in FIRSTMATE[flavour].items() for grant in grants]  # type: ignore[index]


def test_the_grants_of_mysql_5_7_are_what_the_actions_need():
    shown = re.findall(r"^(GRANT .*) TO '(\w+)'@", blocks("install", "sql")[2], re.MULTILINE)
    needs = {
        "reader": [each.needs for each in catalog.DIAGNOSTICS.values() if each.reader is not Vitess],
        "changer": [each.needs for each in catalog.REMEDIATIONS.values() if each.reader is not Vitess],
    }
    version = ServerVersion(Flavour.MYSQL, (5, 7, 44))
    made = {user: granting(all_required(tuple(each), version), "x@y") for user, each in needs.items()}
    assert shown == [(grant.partition(" TO ")[0], f"firstmate_{user}") for user in made for grant in made[user]]


def test_the_grants_for_tablets_are_those_for_mysql_and_the_tables_of_vitess():
    shown = re.findall(r"^(GRANT .*) TO '(\w+)'@", blocks("vitess", "sql")[0], re.MULTILINE)
    assert [grant for grant, _ in shown] == [*FIRSTMATE["mysql"]["firstmate_reader"], "GRANT SELECT ON _vt.*"]


# -- configuration ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["firstmate.yml", "policy.yml"])
def test_every_key_of_the_configuration_has_a_meaning_and_an_example(kind: str):
    rows = [
        row.removeprefix("| ").removesuffix(" |").split(" | ")
        for row in re.findall(r"^\| `.*\|$", GENERATED[kind](DOCS["configuration"]), re.MULTILINE)
    ]
    assert rows
    for key, takes, _, example, meaning in rows:
        assert meaning, key
        # A mapping has no example of its own: its keys have.
        assert example or "](#" in takes, f"{key}: add it to the complete example of docs/configuration.md"


# -- the command line ---------------------------------------------------------------------------------------------


def test_every_command_and_option_has_a_meaning():
    for row in re.findall(r"^\| `.*\|$", GENERATED["commands"](""), re.MULTILINE):
        assert not row.endswith("|  |"), row


def test_the_commands_of_the_lab_are_listed_with_their_options():
    listed = set(re.findall(r"^firstmate ((?:lab|demo).*)$", GENERATED["commands"](""), re.MULTILINE))
    assert listed == {
        "demo [--once] [--vitess] [--json]",
        "lab up [--vitess] [--json]",
        "lab status [--json]",
        "lab down [--json]",
        "lab break FAULT [--json]",
        "lab faults [--json]",
        "lab fix FAULT [--json]",
    }


def test_the_keys_of_run_are_those_of_the_table():
    printed = Report(run(plan=plan()), {}).as_json()
    table = section("cli", "JSON of run and plan")
    rows = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    assert [key for row in rows for key in re.findall(r"`(\w+)`", row)] == list(printed)
    assert set(printed["plan"]) >= {field.name for field in fields(Plan)} | {"digest"}
    for key in printed["plan"]:
        assert f"`{key}`" in table


def test_the_keys_of_doctor_are_those_of_the_table():
    instances = Shard.model_validate(SHARD)
    target = Target(instances.instances[0], instances)
    held = AccountPrivileges("u@%", (Privilege("DROP", grantable=True),), roles=("`r`",))
    users = (assess_user("reader", held, ServerVersion(Flavour.MYSQL, (9, 7, 4)), spare_port=True),)
    printed = doctor.DoctorReport((InstanceReport(target, users=users),), (ServiceReport("prometheus"),)).as_json()
    table = section("cli", "JSON of doctor")
    for key in keys(printed) - set(printed["by_choice"]):
        assert f"`{key}`" in table, key


def keys(document: object) -> set[str]:
    """Every key of a document, however deep."""
    if isinstance(document, list):
        return set().union(*map(keys, document)) if document else set()
    if isinstance(document, dict):
        return set(document).union(*map(keys, document.values()))
    return set()


def test_the_keys_of_the_lab_are_named():
    for field in fields(LabInstance):
        assert f"`{field.name}`" in section("cli", "JSON of lab up")


def test_the_faults_of_the_examples_exist():
    named = re.findall(r"firstmate lab (?:break|fix) (\w+)", DOCS["lab"])
    assert named
    assert set(named) <= set(faults())


# -- Slack --------------------------------------------------------------------------------------------------------


def test_every_command_of_slack_is_listed():
    listed = re.findall(r"^\| `(/.*?)` \|", section("slack", "Commands"), re.MULTILINE)
    offered = {form for text in HELP.values() for form in re.findall(r"`(/\w+(?: [\w-]+)*(?: \[?[A-Z]+\]?)*)`", text)}
    examples = {form for form in offered if re.search(r"orders|=| all$", form)}
    assert set(listed) == offered - examples


def test_every_button_is_listed():
    listed = re.findall(r"^\| (\w.*?) \| (?:operator|approver)", section("slack", "Buttons"), re.MULTILINE)
    assert set(listed) == set(buttons())


def buttons() -> Iterator[str]:
    """The texts of all buttons on the cards of a run in every state."""
    batches = plan(changes=(change(), change(wave=1, target="orders-2")))
    for state in RunState:
        for each in (
            run(state=state, plan=plan(), expires_at=NOW),
            run(state=state, plan=batches, expires_at=NOW, taken=Assignment("U0BOB", NOW)),
            run(state=state, plan=batches, expires_at=NOW, pause_request=PauseRequest("pause", "U0BOB", NOW, NOW)),
            waiting(alternatives=(replace(plan(), remedy="other", title="Another"),)),
        ):
            yield from texts(each)


def texts(drawn: Run) -> Iterator[str]:
    for message in render(drawn):
        for block in message.payload.get("blocks", []):
            yield from (
                element["text"]["text"] for element in block.get("elements", []) if element.get("type") == "button"
            )


def test_the_limits_that_the_slack_page_names_are_those_of_the_code():
    assert timedelta(minutes=15) == REOPENS_WITHIN
    assert timedelta(hours=1) == PAUSED_FOR


# -- runbooks ----------------------------------------------------------------------------------------------------


def test_the_fields_of_the_target_are_listed():
    [row] = re.findall(r"^\| `target` \| everywhere \| (.*) \|$", DOCS["runbooks"], re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", row)) == set(TARGET.fields)


# -- generated parts, links ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [page for page in PAGES if parts(DOCS[page.stem])], ids=lambda page: page.name)
def test_generated_parts_are_what_the_code_makes(page: Path):
    text = DOCS[page.stem]
    assert filled(text) == text, "generate them again: make docs"


def test_every_generated_part_is_on_a_page():
    assert sorted(part for text in DOCS.values() for part in parts(text)) == sorted(GENERATED)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_and_anchor_resolves(page: Path):
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", DOCS[page.stem]):
        file, _, place = target.partition("#")
        there = (page.parent / file).resolve() if file else page
        assert there.exists(), target
        if place:
            assert place in anchors(there), f"{target} has no such heading"


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, outside its examples; a repeated heading is numbered, as GitHub does."""
    found: dict[str, int] = {}
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    names = set()
    for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        name = anchor(re.sub(r"\[(.*?)\]\(.*?\)", r"\1", heading))
        found[name] = found.get(name, -1) + 1
        names.add(f"{name}-{found[name]}" if found[name] else name)
    return names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_of_the_program_that_a_page_names_exists(page: Path):
    for named in re.findall(r"`((?:bot|actions|tests|docs|runbooks)/[\w/.-]+?)/?`", DOCS[page.stem]):
        assert (TOP / named).exists(), named
