"""mysql.reachability: a server that greets is up, whatever it says; what does not answer is told apart."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from actions.diagnostics.mysql.reachability import Reachability, reachability
from actions.endpoint_contract import ProbeResult
from bot.errors import Unreachable
from bot.fleet.endpoint_probe import ServerEndpoint
from bot.fleet.mysql_connections import Server
from bot.fleet.mysql_sessions import open_reader
from bot.lab.database_users import READER
from bot.lab.lab_state import LabInstance, LabState
from tests.actions.hands import administer


class HttpIntake:
    """A port that answers as it was told."""

    address = "db7:3306"

    def __init__(self, probe: ProbeResult) -> None:
        self._probe = probe

    def probe(self) -> ProbeResult:
        return self._probe


@pytest.mark.parametrize(
    ("probe", "full", "blocks", "hangs"),
    [
        (ProbeResult("open", True), False, False, False),
        (ProbeResult("open", True, 1040, "Too many connections"), True, False, False),
        (ProbeResult("open", True, 1129, "Host is blocked"), False, True, False),
        (ProbeResult("open", True, 1130, "not allowed"), False, True, False),
        (ProbeResult("open", True, 1045, "Access denied"), False, False, False),
        (ProbeResult("open", False), False, False, True),
        (ProbeResult("refused"), False, False, False),
        (ProbeResult("silent"), False, False, False),
    ],
    ids=str,
)
def test_what_came_of_the_probe_in_words(probe, full, blocks, hangs):
    found = reachability(HttpIntake(probe))
    assert (found.full, found.blocks_us, found.hangs) == (full, blocks, hangs)
    assert (found.tcp, found.errno) == (probe.tcp, probe.errno)


def endpoint_at(port: int, host: str = "127.0.0.1", **options) -> ServerEndpoint:
    return ServerEndpoint(Server(host, port, "nobody", ""), **options)


SILENCE = 2.0
"""Seconds after which a port that says nothing is given up; the others answer at once, on a slow machine, too."""


@contextmanager
def listening(greeting: bytes | None) -> Iterator[ServerEndpoint]:
    """A port that sends these bytes to whoever comes; None says nothing and holds the line."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def serve() -> None:
            try:
                client, _ = server.accept()
            except OSError:
                return
            held.append(client)
            if greeting is not None:
                client.sendall(greeting)
                client.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield endpoint_at(server.getsockname()[1], timeout=SILENCE)
        for client in held:
            client.close()
    thread.join(5)


@pytest.mark.parametrize(
    ("greeting", "expected"),
    [
        (b"\x10\x00\x00\x00\xff\x10\x04#08004Too many connections", (True, 1040, "Too many connections")),
        (b"\x10\x00\x00\x00\xff\x10\x04Too many connections", (True, 1040, "Too many connections")),
        (b"\x4a\x00\x00\x00\x0a9.7.4\x00", (True, 0, "Lost connection to MySQL server during query (timed out)")),
        (b"", (False, 0, "the connection was closed without a greeting")),
        (b"\x01\x00\x00\x00", (False, 0, "the connection was closed without a greeting")),
    ],
    ids=["full", "full, without a state", "greeted, and no word to the login", "hung up", "cut off"],
)
def test_the_greeting_is_read(greeting, expected):
    with listening(greeting) as endpoint:
        probe = endpoint.probe()
    assert probe.tcp == "open"
    assert (probe.greeted, probe.errno, probe.error) == expected


def test_a_port_that_says_nothing_is_open_and_does_not_greet():
    with listening(None) as endpoint:
        probe = endpoint.probe()
    assert (probe.tcp, probe.greeted) == ("open", False)
    assert probe.took >= SILENCE


def test_nobody_listens():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert endpoint_at(port).probe().tcp == "refused"


def test_a_name_that_nobody_has_is_no_crash():
    assert endpoint_at(3306, "no-such-host.invalid").probe().tcp == "unreachable"


def as_reader(lab: LabState, instance: LabInstance, password: str = "") -> ServerEndpoint:
    login = lab.users[READER]
    return ServerEndpoint(Server(instance.host, instance.port, login.user, password or login.password))


@pytest.mark.lab
def test_real_servers_greet(lab: LabState):
    for instance in lab.instances:
        found = reachability(as_reader(lab, instance))
        assert found == Reachability("open", True, took=found.took)


@pytest.mark.lab
@pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
def test_a_full_server_turns_us_away_with_its_error(sound_lab, broken, flavour):
    primary = broken("connections_exhausted", flavour)
    login = sound_lab.users["app"]  # no administrator: for one, a last connection is kept
    found = reachability(ServerEndpoint(Server(primary.host, primary.port, login.user, login.password)))
    assert (found.greeted, found.full, found.refuses_user) == (True, True, False)


@pytest.mark.lab
@pytest.mark.parametrize("name", ["orders-1", "billing-1"])
def test_a_server_that_refuses_our_user_is_up(lab, name):
    instance = lab.instance(name)
    found = reachability(as_reader(lab, instance, password="wrong"))
    assert (found.greeted, found.errno, found.refuses_user, found.full) == (True, 1045, True, False)
    assert "wrong" not in found.error


@pytest.mark.lab
def test_a_server_in_offline_mode_is_up_and_says_so(lab: LabState):
    instance = lab.instance("orders-3")
    login = lab.users[READER]
    server = Server(instance.host, instance.port, login.user, login.password)
    administer(instance, "SET GLOBAL offline_mode = ON")
    try:
        found = reachability(ServerEndpoint(server))
        with pytest.raises(Unreachable, match=r"in offline mode \(error 3032\)"), open_reader(server):
            pass
    finally:
        administer(instance, "SET GLOBAL offline_mode = OFF")
    assert (found.greeted, found.errno, found.offline, found.refuses_user) == (True, 3032, True, False)
    assert not reachability(ServerEndpoint(server)).offline
