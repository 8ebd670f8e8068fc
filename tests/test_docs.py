"""The documentation says what is so: its examples are read by the code that they are for."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

import bot
from actions import catalog
from actions.contract import Flavour, ServerVersion
from actions.vitess_contract import Vitess
from bot.config import Shard, load
from bot.doctor import report as doctor
from bot.doctor.instance_report import InstanceReport, ServiceReport
from bot.doctor.user_privileges import assess_user
from bot.engine.plan import Plan
from bot.engine.targets import Target
from bot.lab.fault_injection.fault_file import faults
from bot.lab.grants import FIRSTMATE
from bot.lab.lab_state import LabInstance
from bot.privileges.corrections import granting
from bot.privileges.grants import AccountPrivileges, Privilege
from bot.privileges.requirements import all_required
from bot.shell_run import Report
from bot.slack.slash_commands import HELP
from tests.samples import plan, run

SHARD = {
    "name": "orders",
    "flavour": "mysql",
    "reader": {"user": "firstmate_reader", "password": {"env": "NONE"}},
    "instances": [{"name": "orders-1", "host": "db1", "role": "primary", "spare_port": 33062}],
}

TOP = Path(bot.__file__).parents[1]
README = (TOP / "README.md").read_text(encoding="utf-8")
PAGES = [TOP / "README.md", TOP / "CONTRIBUTING.md", *sorted((TOP / "docs").glob("*.md"))]


def blocks(language: str) -> list[str]:
    """The fenced examples of one language, in order."""
    return re.findall(rf"^```{language}(?: \w+)?\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_the_first_screen_is_the_two_commands():
    assert re.findall(r"^\$ (.*?)(?: +#.*)?$", blocks("console")[0], re.MULTILINE) == ["make demo", "make test"]


def test_the_example_of_the_configuration_is_one(tmp_path: Path):
    path = tmp_path / "firstmate.yml"
    path.write_text(blocks("yaml")[0], encoding="utf-8")
    config = load(path)
    assert config.slack is not None
    assert config.shards[0].changer is not None


def test_the_receiver_of_alertmanager_leads_to_the_intake():
    example = yaml.safe_load(blocks("yaml")[2])
    [webhook] = example["receivers"][0]["webhook_configs"]
    assert webhook["url"].endswith(":9195/alerts/alertmanager")
    assert webhook["http_config"]["authorization"]["type"] == "Bearer"
    assert example["route"]["routes"][0]["receiver"] == example["receivers"][0]["name"]


@pytest.mark.parametrize(("flavour", "place"), [("mysql", 0), ("mariadb", 1)])
def test_the_grants_are_those_that_the_lab_s_users_have(flavour: str, place: int):
    shown = re.findall(r"^(GRANT .*) TO '(\w+)'@", blocks("sql")[place], re.MULTILINE)
    assert shown == [(grant, user) for user, grants in FIRSTMATE[flavour].items() for grant in grants]  # type: ignore[index]


def test_the_grants_of_mysql_5_7_are_what_the_actions_need_there():
    shown = re.findall(r"^(GRANT .*) TO '(\w+)'@", blocks("sql")[2], re.MULTILINE)
    needs = {
        "reader": [each.needs for each in catalog.DIAGNOSTICS.values() if each.reader is not Vitess],
        "changer": [each.needs for each in catalog.REMEDIATIONS.values() if each.reader is not Vitess],
    }
    version = ServerVersion(Flavour.MYSQL, (5, 7, 44))
    made = {user: granting(all_required(tuple(each), version), "x@y") for user, each in needs.items()}
    assert shown == [(grant.partition(" TO ")[0], f"firstmate_{user}") for user in made for grant in made[user]]


def test_the_keys_of_doctor_are_those_of_the_table():
    instances = Shard.model_validate(SHARD)
    target = Target(instances.instances[0], instances)
    held = AccountPrivileges("u@%", (Privilege("DROP", grantable=True),), roles=("`r`",))
    users = (assess_user("reader", held, ServerVersion(Flavour.MYSQL, (9, 7, 4)), spare_port=True),)
    printed = doctor.DoctorReport((InstanceReport(target, users=users),), (ServiceReport("prometheus"),)).as_json()
    table = README[README.index("| key of doctor | what |") :].split("\n\n")[0]
    for key in keys(printed) - set(printed["by_choice"]):
        assert f"`{key}`" in table, key


def keys(document: object) -> set[str]:
    """Every key of a document, however deep."""
    if isinstance(document, list):
        return set().union(*map(keys, document)) if document else set()
    if isinstance(document, dict):
        return set(document).union(*map(keys, document.values()))
    return set()


def test_every_command_of_slack_is_in_the_table():
    assert {f"/{name}" for name in re.findall(r"^\| `/(\w+)", README, re.MULTILINE)} == set(HELP)


def test_the_keys_of_run_are_those_of_the_table():
    printed = Report(run(plan=plan()), {}).as_json()
    table = README[README.index("| key | what |") :].split("\n\n")[0]
    documented = [key for row in table.splitlines()[2:] for key in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert documented == list(printed)
    assert set(printed["plan"]) >= {field.name for field in fields(Plan)} | {"digest"}
    for key in printed["plan"]:
        assert f"`{key}`" in table


def test_the_fields_of_the_lab_s_instances_are_named():
    paragraph = README[README.index("`firstmate lab up --json` prints") :].split("\n\n")[0]
    for field in fields(LabInstance):
        assert f"`{field.name}`" in paragraph


def test_the_faults_of_the_examples_exist():
    named = re.findall(r"firstmate lab (?:break|fix) (\w+)", README)
    assert named
    assert set(named) <= set(faults())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_within_leads_somewhere(page: Path):
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_folder_of_the_design_exists():
    house = (TOP / "docs/design.md").read_text(encoding="utf-8").split("## The house")[1].split("## ")[0]
    for name in re.findall(r"^ {6}([\w/ .]+?)  ", house, re.MULTILINE):
        for part in name.split():
            assert (TOP / "bot" / part).exists() or (TOP / "actions" / part).exists(), part
