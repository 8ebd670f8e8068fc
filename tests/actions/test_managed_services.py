"""Managed services: a server shows that it belongs to one, and the service's own way is named."""

from __future__ import annotations

import pytest

from actions.catalog import REMEDIATIONS
from actions.managed_services import NAMES, refused_by_service, service_of
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_80, Recorded, named

AURORA = {"version": "8.0.28", "aurora_version": "3.04.0", "basedir": "/rdsdbbin/oscar-8.0.mysql_aurora.3.04.0/"}
AURORA_2 = {"version": "5.7.12", "basedir": "/rdsdbbin/oscar-5.7.mysql_aurora.2.10.2.0.4.0/"}
RDS = {"version": "8.0.36", "version_comment": "Source distribution", "basedir": "/rdsdbbin/mysql-8.0.36.R1/"}
RDS_MARIADB = {"version": "10.11.8-MariaDB-log", "basedir": "/rdsdbbin/mariadb-10.11.8.R1"}
CLOUD_SQL = {"version": "8.0.31-google", "version_comment": "(Google)", "basedir": "/usr/"}
AZURE = {"version": "8.0.37-azure", "basedir": "/usr/"}
OWN = {"version": "9.7.4", "version_comment": "MySQL Community Server - GPL", "basedir": "/usr/"}


@pytest.mark.parametrize(
    ("has", "service"),
    [
        (AURORA, "aurora"),
        (AURORA_2, "aurora"),
        (RDS, "rds"),
        (RDS_MARIADB, "rds"),
        (CLOUD_SQL, "cloud_sql"),
        (AZURE, "azure"),
        (OWN, "none"),
        ({}, "none"),
    ],
    ids=str,
)
def test_the_service_of_a_server(has, service):
    assert service_of(has) == service


def refusal(action: str, has: dict[str, str], version=MYSQL_80) -> str:
    return refused_by_service(action, Recorded(version, {"GLOBAL VARIABLES": named(**has)}))


@pytest.mark.parametrize(
    ("action", "has", "says"),
    [
        ("mysql.kill_connection", RDS, "Amazon RDS, where mysql.kill_connection is not used"),
        ("mysql.kill_connection", RDS, "CALL mysql.rds_kill(ID)"),
        ("mysql.kill_query", AURORA, "CALL mysql.rds_kill_query(ID)"),
        ("mysql.set_variable", AURORA, "DB cluster parameter group"),
        ("mysql.start_replica", RDS_MARIADB, "CALL mysql.rds_start_replication"),
        ("mysql.set_variable", CLOUD_SQL, "database flag"),
        ("mysql.kill_query", AZURE, "CALL mysql.az_kill_query(ID)"),
        ("mysql.set_read_only", AZURE, "server parameter read_only"),
    ],
)
def test_what_a_service_forbids_is_refused_with_its_own_way(action, has, says):
    assert says in refusal(action, has)


def test_what_a_service_allows_is_not_refused():
    assert refusal("mysql.kill_query", CLOUD_SQL) == ""
    assert refusal("mysql.analyze_table", RDS) == ""
    assert not Recorded(MYSQL_57, {}).asked


@pytest.mark.parametrize("version", [MYSQL_57, MYSQL_80, MARIADB_1011], ids=str)
def test_a_server_of_ones_own_refuses_nothing(version):
    assert [name for name in REMEDIATIONS if refusal(name, OWN, version)] == []


def test_every_action_is_one_of_the_catalog():
    named_ = [name for name in REMEDIATIONS if refusal(name, RDS)]
    assert len(named_) == 12
    assert set(NAMES) == {"rds", "aurora", "cloud_sql", "azure"}
