"""Pages of Vitess: whole within their time or not at all, and what is no page is no answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from types import SimpleNamespace

import pytest

from bot.errors import Unreachable
from bot.fleet.vitess import status_pages as pages
from bot.fleet.vitess.status_pages import Pages

METRICS = """\
# HELP vtgate_buffer_starts How often
# TYPE vtgate_buffer_starts counter
vtgate_buffer_starts{keyspace="commerce",shard_name="-80"} 3
vtgate_buffer_stops 9
vtgate_buffer_starts_not 1
broken{
"""


class Web(BaseHTTPRequestHandler):
    """Answers like Vitess's programs do."""

    over = threading.Event()

    def do_GET(self) -> None:
        status, body = {
            "/json": (200, '{"Healthy": true}'),
            "/text": (200, "plain"),
            "/metrics": (200, METRICS),
            "/unknown": (307, ""),
            "/sick": (500, "operation not allowed in state NOT_SERVING"),
            "/long": (200, "x" * 2_000),
        }.get(self.path, (200, ""))
        self.send_response(status)
        if status == 307:
            self.send_header("Location", "/debug/status")
        self.end_headers()
        self.wfile.write(body.encode())
        if self.path == "/half":
            self.over.wait(60)
        while self.path == "/endless" and not self.over.wait(0.02):
            try:
                self.wfile.write(b"one more line\n")
            except OSError:
                return

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Web)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    Web.over.set()
    server.shutdown()


def test_a_page_is_json_or_text(web: str):
    assert Pages(2.0).page(f"{web}/json") == {"Healthy": True}
    assert Pages(2.0).page(f"{web}/text") == "plain"


def test_a_page_that_never_ends_is_given_up_though_it_says_something_all_the_time(
    web: str, monkeypatch: pytest.MonkeyPatch
):
    passed = count(0.0, 10.0)
    monkeypatch.setattr(pages, "time", SimpleNamespace(monotonic=lambda: next(passed)))
    with pytest.raises(Unreachable, match=r"did not end within 60 s"):
        Pages(60.0).page(f"{web}/endless")


def test_a_page_that_stops_in_the_middle_is_given_up(web: str):
    with pytest.raises(Unreachable, match=r"did not end within 2 s"):
        Pages(2.0).page(f"{web}/half")


def test_a_path_that_is_not_known_redirects_and_is_no_answer(web: str):
    with pytest.raises(Unreachable, match="does not exist"):
        Pages(2.0).page(f"{web}/unknown")


def test_what_a_sick_program_says_is_told(web: str):
    with pytest.raises(Unreachable, match="answered 500: operation not allowed in state NOT_SERVING"):
        Pages(2.0).page(f"{web}/sick")


def test_a_port_without_a_listener_is_told_from_silence():
    with pytest.raises(Unreachable, match="connection refused"):
        Pages(2.0).page("http://127.0.0.1:1/debug/health")


def test_a_page_that_is_too_long_is_not_kept(web: str, monkeypatch):
    monkeypatch.setattr(pages, "MOST_BYTES", 1_000)
    with pytest.raises(Unreachable, match="longer than 1,000 bytes"):
        Pages(2.0).page(f"{web}/long")


def test_metrics_are_those_that_were_asked_for(web: str):
    found = Pages(2.0).metrics(f"{web}/metrics", ["vtgate_buffer_starts"])
    assert [(s.labels["shard_name"], s.samples[0].value) for s in found] == [("-80", 3.0)]
