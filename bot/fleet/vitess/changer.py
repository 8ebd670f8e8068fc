"""Makes the calls of an approved plan to vtctld and VTOrc; implements bot.engine.ports.Changer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from actions.contract import Statement
from actions.vitess_contract import parse_call, parse_vtorc
from bot.config import Tablet, TabletShard
from bot.errors import FirstmateError, NotAllowed, Unreachable
from bot.fleet.session_settings import LONGEST_IDLE
from bot.fleet.vitess.allowed_calls import CHANGING_VTORC, check_change
from bot.fleet.vitess.reader import Beneath, Source, VitessReader, open_reader

CHANGE_WITHIN = 30.0
"""Seconds until a changing call times out."""
REPARENT_WITHIN = 60.0
"""Seconds until a reparent times out, which waits for its replicas more than once."""
_REPARENTS = frozenset({"PlannedReparentShard", "EmergencyReparentShard"})


def since_boot() -> float:
    """Returns seconds since the machine booted, including suspensions."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class VitessChanger:
    """Executes statements of `actions.vitess_contract.call` and `vtorc`, and reads like a reader."""

    def __init__(self, source: Source, reader: VitessReader, *, clock: Callable[[], float] = since_boot) -> None:
        self._source = source
        self._reader = reader
        self._clock = clock
        self._last = clock()

    @property
    def reader(self) -> VitessReader:
        return self._reader

    def execute(self, statement: Statement, *, tag: str) -> None:
        """Makes one call exactly as it is written, without a comment, since Vitess records none.

        Raises Unreachable if it is refused or not answered; without an answer it may have been executed.
        """
        self._not_late()
        text = str(statement)
        called = parse_call(text)
        if called is not None:
            name, request = called
            check_change(name)
            within = REPARENT_WITHIN if name in _REPARENTS else CHANGE_WITHIN
            self._source.vtctld.call(name, request, timeout=within)
            self._last = self._clock()
            return
        path = parse_vtorc(text)
        if path is None or path not in CHANGING_VTORC:
            raise NotAllowed(f"{text[:80]!r} is not an allowed call to Vitess. Nothing was done.")
        self._everywhere(path)

    def _not_late(self) -> None:
        """Raises NotAllowed if the bot was suspended since its last call: another replica may have taken over.

        A MySQL server ends such a session by itself (wait_timeout); vtctld accepts a call at any time.
        """
        late = self._clock() - self._last
        if late > LONGEST_IDLE:
            raise NotAllowed(
                f"This call was not made, since the bot was suspended for {late:.0f} s during the change. Check the "
                "shard, then start the runbook again."
            )

    def _everywhere(self, path: str) -> None:
        """Calls every VTOrc, since each of them has its own switch."""
        if not self._source.cluster.vtorcs:
            raise NotAllowed(f"No VTOrc is configured for the cluster {self._source.cluster.name}. Nothing was done.")
        failed = []
        for url in self._source.cluster.vtorcs:
            try:
                self._source.pages.page(f"{url}{path}")
            except FirstmateError as error:
                failed.append(str(error))
        if failed:
            raise Unreachable(f"Not every VTOrc accepted the call: {' '.join(failed)}")


@contextmanager
def open_changer(source: Source, shard: TabletShard, tablet: Tablet, beneath: Beneath) -> Iterator[VitessChanger]:
    """Opens a changer and closes it at the end; raises NotAllowed if the cluster is read-only for Firstmate."""
    if not shard.may_change:
        raise NotAllowed(
            f"{shard.name} is read-only for Firstmate through Vitess. To allow changes, set `may_change` of the "
            f"cluster {shard.cluster} in firstmate.yml."
        )
    with open_reader(source, shard, tablet, beneath) as reader:
        yield VitessChanger(source, reader)
