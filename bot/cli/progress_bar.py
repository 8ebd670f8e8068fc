"""A progress bar on stderr that counts hosts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bot.cli.terminal import err


@contextmanager
def host_bar(text: str, *, visible: bool) -> Iterator[Callable[[int, int], None]]:
    """Shows a bar until the block ends, and yields the function that sets it: (hosts done, hosts in total)."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not visible) as bar:
        task = bar.add_task(text, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
