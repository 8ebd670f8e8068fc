"""One action is one file, one name and one test file; the catalog is the whole of them."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from actions import catalog
from actions.contract import Diagnostic, Flavour, MySQL, ProxySQL, Remediation
from actions.endpoint_contract import Endpoint
from actions.prometheus_contract import Prometheus
from actions.shard_contract import ShardMembers
from actions.vitess_contract import Vitess

ROOT = Path(__file__).parents[2]
FLAVOURS = {"mysql": {Flavour.MYSQL, Flavour.MARIADB}, "proxysql": {Flavour.PROXYSQL}, "vitess": {Flavour.VITESS}}
"""Whose servers a family of actions is for."""
BENEATH = {"vitess": {Flavour.MYSQL}}
"""Whose servers it may ask besides."""
KINDS = {"diagnostics": catalog.DIAGNOSTICS, "remediations": catalog.REMEDIATIONS}


def files(folder: Path, prefix: str = "") -> set[str]:
    """The names of the modules below a folder, as `family.name`."""
    return {
        f"{path.parent.name}.{path.stem.removeprefix(prefix)}"
        for path in folder.glob(f"*/{prefix}*.py")
        if path.stem not in ("__init__", "conftest")
    }


def frozen(record: Any) -> bool:
    return bool(record.__dataclass_params__.frozen)


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_is_in_the_catalog_and_the_other_way_round(kind):
    assert files(ROOT / "actions" / kind) == set(KINDS[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_every_action_has_a_test_file_and_the_other_way_round(kind):
    assert files(ROOT / "tests" / "actions" / kind, "test_") == set(KINDS[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_the_catalog_is_in_order(kind):
    assert list(KINDS[kind]) == sorted(KINDS[kind])


@pytest.mark.parametrize("name", catalog.DIAGNOSTICS)
def test_a_diagnostic_bears_the_name_of_its_file(name):
    found = catalog.DIAGNOSTICS[name]
    assert isinstance(found, Diagnostic)
    assert f"{found.ask.__module__}.{found.ask.__name__}" == f"actions.diagnostics.{name}.{name.split('.')[1]}"
    assert found.ask.__doc__


@pytest.mark.parametrize("name", catalog.DIAGNOSTICS)
def test_a_diagnostic_takes_a_reader_and_named_parameters_and_returns_a_frozen_record(name):
    ask = catalog.DIAGNOSTICS[name].ask
    reader, *rest = inspect.signature(ask).parameters.values()
    hints = get_type_hints(ask)
    allowed = {
        "mysql": (MySQL, Endpoint, ShardMembers),
        "prometheus": (Prometheus,),
        "proxysql": (ProxySQL,),
        "vitess": (Vitess,),
    }
    assert hints[reader.name] in allowed[name.split(".")[0]]
    assert catalog.DIAGNOSTICS[name].reader is hints[reader.name]
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in rest)
    assert all(parameter.name in hints for parameter in rest)
    record = hints["return"]
    assert dataclasses.is_dataclass(record)
    assert frozen(record)
    # What remediations read, too, lives below the diagnostics.
    assert record.__module__ in (ask.__module__, "actions.replication_channels")
    record()  # type: ignore[operator]  # what a test of a runbook leaves out has a default


@pytest.mark.parametrize("name", [name for name in catalog.DIAGNOSTICS if name.split(".")[0] in FLAVOURS])
def test_a_diagnostic_of_servers_says_what_it_needs_of_each_flavour(name):
    assert set(catalog.DIAGNOSTICS[name].needs) - BENEATH.get(name.split(".")[0], set()) == FLAVOURS[name.split(".")[0]]


@pytest.mark.parametrize("name", catalog.REMEDIATIONS)
def test_a_remediation_bears_the_name_of_its_file(name):
    found = catalog.REMEDIATIONS[name]
    title = "".join(part.capitalize() for part in name.split(".")[1].split("_"))
    assert (found.__module__, found.__name__) == (f"actions.remediations.{name}", title)
    assert issubclass(found, Remediation)
    assert sys.modules[found.__module__].__doc__


@pytest.mark.parametrize("name", catalog.REMEDIATIONS)
def test_a_remediation_is_a_frozen_record_with_its_risk_and_needs(name):
    found = catalog.REMEDIATIONS[name]
    assert dataclasses.is_dataclass(found)
    assert frozen(found)
    assert found.risk
    assert set(found.needs) - BENEATH.get(name.split(".")[0], set()) == FLAVOURS[name.split(".")[0]]
    assert found.reader is {"mysql": MySQL, "proxysql": ProxySQL, "vitess": Vitess}[name.split(".")[0]]
    assert 0 < found.settles_within <= 60
