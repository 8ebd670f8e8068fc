"""How a server is dialled: over TLS where it is offered, and without reading the system's certificates each time."""

from __future__ import annotations

import ssl

import pytest

from bot.fleet.connecting import Server
from bot.fleet.mysql import open_reader
from bot.lab.state import LabInstance, LabState

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
