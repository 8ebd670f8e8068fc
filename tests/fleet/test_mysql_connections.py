"""How a server is dialled: over TLS where it is offered, to trusted servers alone where that is asked for."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from bot.errors import ConfigError, Unreachable
from bot.fleet.mysql_connections import Server
from bot.fleet.mysql_sessions import open_reader
from bot.lab.connections import administrator, ask
from bot.lab.lab_state import LabInstance, LabState
from tests.certificates import certificate

pytestmark = pytest.mark.lab


@pytest.mark.parametrize("name", ["orders-2", "billing-2"])
def test_a_connection_is_encrypted_where_the_server_offers_it_and_makes_no_context_for_that(
    lab: LabState, name: str, monkeypatch: pytest.MonkeyPatch
):
    made: list[str] = []
    monkeypatch.setattr(ssl, "create_default_context", lambda *_, **__: made.append("one"))
    instance: LabInstance = lab.instance(name)
    with open_reader(Server(instance.host, instance.port, instance.user, instance.password)) as db:
        [row] = db.rows("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        [offered] = db.rows("SHOW GLOBAL VARIABLES LIKE 'have_ssl'") or [{"Value": "YES"}]
    assert bool(row["Value"]) == (offered["Value"] == "YES")
    assert made == []


def dialled(instance: LabInstance, **trust: Any) -> str:
    """The cipher of a connection that was made so."""
    with open_reader(Server(instance.host, instance.port, instance.user, instance.password, **trust)) as db:
        return str(db.rows("SHOW SESSION STATUS LIKE 'Ssl_cipher'")[0]["Value"])


@pytest.fixture
def own(lab: LabState) -> Path:
    """The authority that the MySQL of the lab made for itself: its certificate names no host."""
    with administrator(lab.instance("orders-2")) as admin:
        [row] = ask(admin, "SELECT @@GLOBAL.datadir AS folder")
    return Path(str(row["folder"])) / "ca.pem"


def test_a_server_of_the_right_authority_is_trusted(lab: LabState, own: Path):
    assert dialled(lab.instance("orders-2"), ca=own, verify_identity=False)


def test_a_certificate_for_another_host_is_not(lab: LabState, own: Path):
    with pytest.raises(Unreachable, match=r"a certificate that is not trusted"):
        dialled(lab.instance("orders-2"), ca=own)


def test_a_certificate_of_another_authority_is_not(lab: LabState, tmp_path: Path):
    other, _ = certificate(tmp_path, "other")
    with pytest.raises(Unreachable, match=r"not trusted.*self-signed certificate"):
        dialled(lab.instance("orders-2"), ca=other, verify_identity=False)


def test_a_server_without_tls_is_not_trusted_with_a_password(lab: LabState, tmp_path: Path):
    other, _ = certificate(tmp_path, "other")
    with pytest.raises(Unreachable, match="offers no TLS, but"):
        dialled(lab.instance("billing-2"), ca=other)


def test_an_authority_that_was_renewed_is_read_again(lab: LabState, own: Path, tmp_path: Path):
    other, _ = certificate(tmp_path, "authority")
    with pytest.raises(Unreachable, match="not trusted"):
        dialled(lab.instance("orders-2"), ca=other, verify_identity=False)
    other.write_bytes(own.read_bytes())
    assert dialled(lab.instance("orders-2"), ca=other, verify_identity=False)


@pytest.mark.parametrize("content", [None, "rubbish"])
def test_an_authority_that_cannot_be_read_is_a_fault_of_the_settings(
    lab: LabState, tmp_path: Path, content: str | None
):
    if content is not None:
        (tmp_path / "ca.pem").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"ca\.pem cannot be read"):
        dialled(lab.instance("orders-2"), ca=tmp_path / "ca.pem")
