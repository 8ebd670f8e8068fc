"""Takes out one protection after another, on a copy of the tree, and looks whether the tests see it.

    python -m tests.mutate [NAME...]

A guard is taken out by letting it pass always; the other protections by one changed line each. For each, one line says
which test caught it. Exit 0 only when every one was caught, and the tests are green on the copy as it is.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

from rich.console import Console
from rich.markup import escape

from bot.guards import ORDER

TOP = Path(__file__).resolve().parent.parent
TELLING = ("tests/engine/test_guarded.py", "tests/test_invariants.py")
QUICK = (
    "tests/guards",
    "tests/engine",
    "tests/incidents",
    "tests/store/test_run_store.py",
    "tests/store/test_incident_store.py",
    "tests/intake",
    "tests/fleet/vitess",
    # Needs the lab, so it comes last.
    "tests/fleet/test_mysql_connections.py",
)
"""The tests run until the first of them fails, the telling ones before the others."""
COPIED = ("actions", "bot", "runbooks", "tests", "pyproject.toml", "manifest.yml", "README.md")
WORKERS = 2
PASSES = """


def judge(facts: Facts) -> Verdict:
    return Verdict("{name}", Answer.PASS, "taken out")
"""


@dataclass(frozen=True, slots=True)
class Mutation:
    """One protection and how it is taken out."""

    name: str
    file: str
    old: str
    """What stands there once; '' to put `new` at the end of the file."""
    new: str


def guards() -> Iterator[Mutation]:
    """Every guard, in order, each letting everything pass."""
    for guard in ORDER:
        name = guard.__module__.rpartition(".")[2]
        yield Mutation(name, f"bot/guards/{name}.py", "", PASSES.format(name=name))


PROTECTIONS = (
    Mutation(
        "4 a reader of Vitess calls what reads",
        "bot/fleet/vitess/allowed_calls.py",
        "if name not in READING:",
        "if False:",
    ),
    Mutation(
        "4 a reader of Vitess opens what reads", "bot/fleet/vitess/allowed_calls.py", "not in PAGES[component]", "== ''"
    ),
    Mutation(
        "2 a bot that was held up calls nothing", "bot/fleet/vitess/changer.py", "if late > LONGEST_IDLE:", "if False:"
    ),
    Mutation(
        "4 a server of another authority is not trusted", "bot/fleet/mysql_connections.py", "ssl=trusting,", "ssl=None,"
    ),
    Mutation(
        "only kinds of servers that the runbook names change", "bot/guards/target.py", "if place.kind_says:", "if 0:"
    ),
    Mutation("a stale topology is not acted on", "bot/guards/target.py", "if place.doubts:", "if False:"),
    Mutation(
        "what VTOrc repairs is left to it", "bot/engine/vtorc_repairs.py", "if each.seen_for <= patience]", "if False]"
    ),
    Mutation(
        "a recovery under way is waited for",
        "bot/engine/vtorc_repairs.py",
        "if each.runs] if view.acts else []",
        "if False]",
    ),
    Mutation(
        "a VTOrc that is silent is no dead one",
        "bot/engine/vtorc_repairs.py",
        "if not view.alive and silent:",
        "if False:",
    ),
    Mutation(
        "one trouble is one thread",
        "bot/store/incident_store.py",
        "active or self._in_thread(connection, key, alert, run)",
        "active or run",
    ),
    Mutation(
        "1 the run of an alert is queued with it",
        "bot/store/incident_store.py",
        "self._queue.put(connection, run.id, segments.Triage())",
        "pass",
    ),
    Mutation(
        "1 what is not stored is not answered with 2xx",
        "bot/intake/http_app.py",
        "return self._refuse(source, 503, str(error))",
        "return JSONResponse({})",
    ),
    Mutation("2 a change begins once", "bot/store/change_intent_store.py", "if begun.rowcount != 1:", "if False:"),
    Mutation(
        "2 who lost the shard begins nothing",
        "bot/store/change_intent_store.py",
        "if held is None or held <= self._clock():",
        "if False:",
    ),
    Mutation(
        "2 a double click is one decision",
        "bot/engine/decisions.py",
        "if _own(run, decision) and not _revokes(run, decision):",
        "if False:",
    ),
    Mutation(
        "3 each statement is compared with the approved one",
        "bot/engine/change_executor.py",
        "if not left or str(statement) != left.pop(0):",
        "if not left or left.pop(0) is None:",
    ),
    Mutation(
        "3 a decision is of the digest that was shown",
        "bot/engine/decisions.py",
        "if run.offered(decision.digest) is None:",
        "if False:",
    ),
    Mutation(
        "3 who asked does not approve",
        "bot/guards/approver_eligibility.py",
        "if approver.user == requester:",
        "if False:",
    ),
    Mutation(
        "3 the edit of somebody else is not put into force",
        "actions/remediations/proxysql/drain_server.py",
        "db.sees_configuration:\n            self._fits",
        "False:\n            self._fits",
    ),
    Mutation(
        "3 a server that is drained counts as taken out",
        "bot/engine/policy_facts.py",
        "        targets += drained\n",
        "",
    ),
    Mutation("4 a reader looks at what it sends", "bot/fleet/mysql_sessions.py", "        check_reading(sql)\n", ""),
    Mutation(
        "5 a segment that breaks ends its run",
        "bot/engine/dispatcher.py",
        "self._end_broken(run_id, name, error)",
        "pass",
    ),
    Mutation(
        "5 what waits has its end queued",
        "bot/store/decision_store.py",
        "self._queue.put(connection, run.id, segments.Expire(), delay=expires_in)",
        "pass",
    ),
    Mutation(
        "6 a refusal is recorded",
        "bot/slack/error_replies.py",
        "        record(user, entry, str(error))\n",
        "",
    ),
    Mutation(
        "6 a refusal is told in the thread",
        "bot/engine/rollout.py",
        "        self.publisher.publish(self._run(ended.id))\n",
        "",
    ),
    Mutation("7 text is no markup", "bot/slack/blocks.py", "return _inert(plain(text, limit))", "return text"),
    Mutation("7 text is no SQL", "actions/sql_quoting.py", 'value.replace("\'", "\'\'")', "value"),
    Mutation(
        "8 what does not answer is missing, not fatal",
        "bot/engine/gather_evidence.py",
        "except (FirstmateError, Unreadable, EvidenceMissing) as error:",
        "except EvidenceMissing as error:",
    ),
)


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the tree, on which nobody else works."""

    folder: Path

    @contextmanager
    def mutated(self, mutation: Mutation) -> Iterator[None]:
        """The copy with the protection taken out."""
        path = self.folder / mutation.file
        whole = path.read_text(encoding="utf-8")
        if mutation.old and whole.count(mutation.old) != 1:
            raise SystemExit(f"{mutation.file} has {mutation.old!r} {whole.count(mutation.old)} times, not once.")
        changed = whole.replace(mutation.old, mutation.new) if mutation.old else whole + mutation.new
        path.write_text(changed, encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(whole, encoding="utf-8")

    def failed(self) -> str | None:
        """The first test that fails, or None when all are green."""
        return self._failed(TELLING) or self._failed(QUICK)

    def _failed(self, tests: Sequence[str]) -> str | None:
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-rf", "-p", "no:cacheprovider", "-k", "not postgresql"]
        command += ["-m", "not vitess"]
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "400"}
        done = subprocess.run(
            [*command, *tests], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return None
        found = re.search(r"^(?:FAILED|ERROR) (tests/.+?)(?: - |$)", done.stdout, re.MULTILINE)
        return found[1] if found else f"pytest ended with {done.returncode}: {done.stdout[-300:]}"


def copies(folder: Path) -> list[Copy]:
    made = [Copy(folder / str(number)) for number in range(WORKERS)]
    for each in made:
        for name in COPIED:
            source, target = TOP / name, each.folder / name
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)
    return made


def main() -> int:
    """Takes the named protections out, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutate")
    parser.add_argument("names", nargs="*", metavar="NAME", help="protections, by the beginning of their names")
    named = parser.parse_args().names
    chosen = [each for each in (*guards(), *PROTECTIONS) if not named or each.name.startswith(tuple(named))]
    out = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="firstmate-mutate-") as scratch:
        free: Queue[Copy] = Queue()
        for each in copies(Path(scratch)):
            free.put(each)

        def caught(mutation: Mutation) -> str | None:
            copy = free.get()
            try:
                with copy.mutated(mutation):
                    return copy.failed()
            finally:
                free.put(copy)

        whole = free.get()
        red = whole.failed()
        free.put(whole)
        if red is not None:
            out.print(f"[red]The tests are not green as they are:[/] {red}", soft_wrap=True)
            return 1
        survived = 0
        with ThreadPoolExecutor(WORKERS) as pool:
            for mutation, test in zip(chosen, pool.map(caught, chosen), strict=True):
                survived += test is None
                says = f"[green]caught by[/] {escape(test)}" if test else "[red]NOT CAUGHT[/]"
                out.print(f"{mutation.name:<52} {says}", soft_wrap=True, markup=True)
    out.print(f"{len(chosen) - survived} of {len(chosen)} protections are seen by the tests.")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
