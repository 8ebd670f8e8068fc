"""A TCP proxy that lets a server be slow, silent or cut off."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Proxy:
    """Passes everything on to a server, until it is told otherwise."""

    upstream: tuple[str, int]
    silent: bool = False
    """It accepts connections and passes nothing on."""
    plain: bool = True
    """MySQL's greeting offers no TLS, so that what is sent can be read here."""
    cuts_at: bytes = b""
    """What a client must send for its connection to be cut, once; nothing of that piece is passed on."""
    passes_first: bool = False
    """That piece is passed on before the cut, so that only its answer is lost."""
    cut: threading.Event = field(default_factory=threading.Event)
    _open: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                if not self.silent:
                    server = socket.create_connection(self.upstream)
                    self._open.append(server)
                    threading.Thread(target=self._pass, args=(client, server, True), daemon=True).start()
                    threading.Thread(target=self._pass, args=(server, client, False), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, asks: bool) -> None:
        greeting = self.plain and not asks
        with suppress(OSError):
            while piece := source.recv(65_536):
                if greeting:
                    piece, greeting = without_tls(piece), False
                if asks and self.cuts_at and self.cuts_at in piece and not self.cut.is_set():
                    self.cut.set()
                    if self.passes_first:
                        target.sendall(piece)
                    break
                target.sendall(piece)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


def without_tls(greeting: bytes) -> bytes:
    """MySQL's first packet without CLIENT_SSL (protocol manual, HandshakeV10): after the version's NUL come the thread
    (4 bytes), 8 bytes of the challenge and a filler, then the lower capability flags."""
    at = greeting.index(b"\0", 5) + 1 + 4 + 8 + 1
    flags = int.from_bytes(greeting[at : at + 2], "little") & ~0x0800
    return greeting[:at] + flags.to_bytes(2, "little") + greeting[at + 2 :]


@contextmanager
def proxied(host: str, port: int, **how: object) -> Iterator[Proxy]:
    proxy = Proxy((host, port), **how)  # type: ignore[arg-type]
    try:
        yield proxy
    finally:
        proxy.close()
