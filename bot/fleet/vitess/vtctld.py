"""Calls vtctld over gRPC, with the message types that its reflection service describes.

With reflection there is no generated code, and the messages match the version of vtctld. Answers are JSON in protobuf's
mapping (snake_case names, default values omitted, 64-bit integers as text).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from actions.contract import Seconds
from bot.config import VtctldSettings
from bot.errors import ConfigError, Unreachable

try:
    import grpc
    from google.protobuf import json_format, message_factory
    from google.protobuf.descriptor import MethodDescriptor
    from google.protobuf.descriptor_pool import DescriptorPool
    from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
except ImportError:  # the extra `vitess` is not installed
    grpc = None  # type: ignore[assignment]

SERVICE = "vtctlservice.Vtctld"
MOST_BYTES = 32_000_000
"""The most bytes of one answer; the tablets of a large cluster take a few million."""
_OPTIONS = (
    ("grpc.max_receive_message_length", MOST_BYTES),
    # Reconnects soon after an outage: by default gRPC waits up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2000),
    ("grpc.enable_retries", 0),  # the transport must never repeat a change
)
AWAY = 1.0
"""Seconds after a failed connection in which calls fail at once."""
_LONGEST = 300
"""The most characters of an error message of vtctld."""


class Refusal(Unreachable):
    """vtctld refused a call, or could not be reached. `silent`: no answer came in time; `away`: it is not connected."""

    def __init__(self, says: str, *, silent: bool = False, away: bool = False) -> None:
        super().__init__(says)
        self.silent, self.away = silent, away


class Vtctld:
    """One vtctld. It connects at the first call, and may be used by many threads."""

    def __init__(self, settings: VtctldSettings) -> None:
        if grpc is None:
            raise ConfigError(
                "`vitess` in firstmate.yml needs gRPC, which is not installed. Run pip install 'firstmate[vitess]'."
            )
        self._settings = settings
        self._lock = threading.Lock()
        self._channel: Any = None
        self._pool: Any = None
        self._methods: dict[str, _Method] = {}
        self._away_until = 0.0

    @property
    def address(self) -> str:
        return self._settings.address

    def call(self, name: str, request: Mapping[str, Any], *, timeout: Seconds) -> dict[str, Any]:
        """Calls one RPC and returns its answer; raises Refusal."""
        try:
            method = self._method(name, timeout)
            message = json_format.ParseDict(dict(request), method.takes())
        except json_format.ParseError as error:
            raise Refusal(f"vtctld at {self.address} does not support this request for {name}: {error}") from error
        except (grpc.RpcError, KeyError) as error:
            raise self._refusal(name, error, timeout) from error
        try:
            answer = method.ask(message, timeout=timeout, metadata=self._metadata(), wait_for_ready=False)
        except grpc.RpcError as error:
            raise self._refusal(name, error, timeout) from error
        found: dict[str, Any] = json_format.MessageToDict(
            answer, preserving_proto_field_name=True, descriptor_pool=self._pool
        )
        return found

    def close(self) -> None:
        """Closes the connection; a later call opens another."""
        with self._lock:
            if self._channel is not None:
                self._channel.close()
            self._channel, self._pool, self._methods = None, None, {}

    def _method(self, name: str, timeout: Seconds) -> _Method:
        known = self._methods.get(name)
        if known is not None:
            return known
        if not self._lock.acquire(timeout=timeout):
            raise self._away()
        try:
            self._connect(timeout)
            described = self._pool.FindServiceByName(SERVICE).methods_by_name.get(name)
            if described is None:
                raise Refusal(f"vtctld at {self.address} has no RPC {name}. Its version is not supported.")
            return self._methods.setdefault(name, _Method(self._channel, described))
        finally:
            self._lock.release()

    def _connect(self, timeout: Seconds) -> None:
        """Connects and reads the description of the service, once; raises Refusal."""
        if self._pool is not None:
            return
        if time.monotonic() < self._away_until:  # another thread has just failed to connect
            raise self._away()
        if self._channel is None:
            self._channel = self._open()
        try:
            grpc.channel_ready_future(self._channel).result(timeout=timeout)
        except grpc.FutureTimeoutError as error:
            self._away_until = time.monotonic() + AWAY
            raise self._away() from error
        self._pool = DescriptorPool(ProtoReflectionDescriptorDatabase(self._authorised(timeout)))

    def _away(self) -> Refusal:
        return Refusal(f"vtctld at {self.address} does not answer. Check that it is running.", silent=True, away=True)

    def _open(self) -> Any:  # noqa: ANN401 - grpc has no types
        settings = self._settings
        if not settings.encrypted:
            return grpc.insecure_channel(settings.address, options=_OPTIONS)
        try:
            read = [p.read_bytes() if p else None for p in (settings.ca, settings.key, settings.certificate)]
        except OSError as error:
            raise ConfigError(
                f"A certificate for vtctld cannot be read: {error}. Correct `vtctld` in firstmate.yml."
            ) from error
        named = (("grpc.ssl_target_name_override", settings.server_name),) if settings.server_name else ()
        credentials = grpc.ssl_channel_credentials(*read)
        return grpc.secure_channel(settings.address, credentials, options=(*_OPTIONS, *named))

    def _authorised(self, timeout: Seconds) -> Any:  # noqa: ANN401 - grpc has no types
        return grpc.intercept_channel(self._channel, _WithDeadline(self._metadata(), timeout))

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        """Returns the credentials of static authentication (Vitess, go/vt/servenv/grpc_server_auth_static.go)."""
        if self._settings.user is None or self._settings.password is None:
            return ()
        return (("username", self._settings.user), ("password", self._settings.password.read()))

    def _refusal(self, name: str, error: Exception, timeout: Seconds) -> Refusal:
        code = error.code() if isinstance(error, grpc.RpcError) and hasattr(error, "code") else None
        words = str(error.details() if hasattr(error, "details") else error)[:_LONGEST]
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return Refusal(f"vtctld at {self.address} did not answer {name} within {timeout:g} s.", silent=True)
        if code is grpc.StatusCode.UNAVAILABLE:
            return Refusal(
                f"vtctld at {self.address} does not answer ({words}). Check that it is running.", silent=True, away=True
            )
        if code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
            return Refusal(f"vtctld at {self.address} denies Firstmate the RPC {name}: {words}")
        return Refusal(f"vtctld at {self.address} refused {name}: {words}")


class _Method:
    """One RPC: the class of its request, and the function that calls it."""

    def __init__(self, channel: Any, described: MethodDescriptor) -> None:  # noqa: ANN401 - grpc has no types
        self.takes = message_factory.GetMessageClass(described.input_type)
        gives = message_factory.GetMessageClass(described.output_type)
        self.ask = channel.unary_unary(
            f"/{SERVICE}/{described.name}",
            request_serializer=self.takes.SerializeToString,
            response_deserializer=gives.FromString,
        )


_Base: Any = grpc.StreamStreamClientInterceptor if grpc is not None else object


class _WithDeadline(_Base):  # type: ignore[misc]
    """Adds a deadline and the credentials to the calls of the reflection service."""

    def __init__(self, metadata: tuple[tuple[str, str], ...], timeout: Seconds) -> None:
        self._metadata, self._timeout = metadata, timeout

    def intercept_stream_stream(self, continuation: Any, details: Any, requests: Any) -> Any:  # noqa: ANN401
        bounded = _Details(details.method, self._timeout, self._metadata)
        return continuation(bounded, requests)


class _Details:
    """grpc.ClientCallDetails with a deadline."""

    credentials = None
    wait_for_ready = None
    compression = None

    def __init__(self, method: str, timeout: Seconds, metadata: tuple[tuple[str, str], ...]) -> None:
        self.method, self.timeout, self.metadata = method, timeout, metadata
