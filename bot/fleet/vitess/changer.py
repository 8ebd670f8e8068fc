"""Makes the calls of an approved plan, through vtctld and VTOrc; implements bot.engine.ports.Changer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from actions.contract import Statement
from actions.vitess_contract import parse_call, parse_vtorc
from bot.config import Tablet, TabletShard
from bot.errors import FirstmateError, NotAllowed, Unreachable
from bot.fleet.mysql import LONGEST_IDLE
from bot.fleet.vitess.allowed_calls import CHANGING_VTORC, check_change
from bot.fleet.vitess.reader import Beneath, Source, VitessReader, open_reader

CHANGE_WITHIN = 30.0
"""Seconds for one call that changes."""
REPARENT_WITHIN = 60.0
"""Seconds for a reparent, which waits for its replicas more than once."""
_REPARENTS = frozenset({"PlannedReparentShard", "EmergencyReparentShard"})


def since_boot() -> float:
    """Seconds since the machine started, those of a suspension among them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class VitessChanger:
    """Executes statements that `actions.vitess_contract.call` and `vtorc` made, and reads like a reader."""

    def __init__(self, source: Source, reader: VitessReader, *, clock: Callable[[], float] = since_boot) -> None:
        self._source = source
        self._reader = reader
        self._clock = clock
        self._last = clock()

    @property
    def reader(self) -> VitessReader:
        return self._reader

    def execute(self, statement: Statement, *, tag: str) -> None:
        """Makes one call exactly as it is written; Vitess keeps no comment of it.

        Raises Unreachable when it is refused or not answered; in the latter case it may have been done.
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
            raise NotAllowed(f"{text[:80]!r} is no call that may be made on Vitess; nothing was done.")
        self._everywhere(path)

    def _not_late(self) -> None:
        """Raises NotAllowed where the bot was held up since its last step: another one may have taken over meanwhile.

        A server of MySQL ends such a session by itself (wait_timeout); vtctld would take the call at any time.
        """
        late = self._clock() - self._last
        if late > LONGEST_IDLE:
            raise NotAllowed(
                f"The change was held up for {late:.0f} s, and is not made that late; nothing of this call was done. "
                "Look at the shard, then ask again."
            )

    def _everywhere(self, path: str) -> None:
        """Asks every VTOrc: each of them has its own switch."""
        if not self._source.cluster.vtorcs:
            raise NotAllowed(f"No VTOrc of {self._source.cluster.name} is configured; nothing was done.")
        failed = []
        for url in self._source.cluster.vtorcs:
            try:
                self._source.pages.page(f"{url}{path}")
            except FirstmateError as error:
                failed.append(str(error))
        if failed:
            raise Unreachable(f"Not every VTOrc took it: {' '.join(failed)}")


@contextmanager
def open_changer(source: Source, shard: TabletShard, tablet: Tablet, beneath: Beneath) -> Iterator[VitessChanger]:
    """A changer for as long as it is needed; raises NotAllowed where the cluster may only be read."""
    if not shard.may_change:
        raise NotAllowed(
            f"Nobody may change {shard.name} through Vitess: this deployment only reads it. Set `may_change` of the "
            f"cluster {shard.cluster} to allow it."
        )
    with open_reader(source, shard, tablet, beneath) as reader:
        yield VitessChanger(source, reader)
