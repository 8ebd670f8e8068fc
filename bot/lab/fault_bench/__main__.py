"""`python -m bot.lab.fault_bench`: runs every fault on a lab of its own and prints how the bot did."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

from bot.errors import Exit, FirstmateError
from bot.lab.fault_bench.fault_queue import interleave_shards
from bot.lab.fault_bench.fault_runner import err, run_faults
from bot.lab.fault_bench.results import goals_met, print_results, totals
from bot.lab.fault_injection.fault_file import known
from bot.lab.lab_up_and_down import bring_up, tear_down
from bot.lab.progress import NoProgress, ProgressBar


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs all faults on a lab of its own; returns 0 when the goals are met."""
    parser = argparse.ArgumentParser(prog="python -m bot.lab.fault_bench", description=__doc__)
    parser.add_argument("--vitess", action="store_true", help="run the faults of a Vitess cluster")
    parser.add_argument("--only", default="", metavar="NAMES", help="only these faults, separated by commas")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args(arguments)
    lab = known(vitess=given.vitess)
    if unknown := {*filter(None, given.only.split(","))} - {*lab}:
        err.print(f"faults: unknown fault: {', '.join(sorted(unknown))}.", style="red", markup=False)
        return int(Exit.USAGE)
    chosen = interleave_shards(
        [fault for name, fault in lab.items() if not given.only or name in given.only.split(",")]
    )
    folder = Path(tempfile.mkdtemp(prefix="firstmate-faults-"))
    reporter = NoProgress() if given.json else ProgressBar()
    try:
        with reporter if isinstance(reporter, ProgressBar) else nullcontext():
            state = bring_up(folder, progress=reporter, vitess=given.vitess)
        results = run_faults(state, chosen)
    except FirstmateError as error:
        err.print(f"faults: {error}", style="red", markup=False)
        return int(error.exit_code)
    finally:
        tear_down(folder)
    found = totals(results)
    if given.json:
        rows = [{**asdict(each), "good": each.good} for each in results]
        sys.stdout.write(json.dumps({"faults": rows, "totals": found}) + "\n")
    else:
        print_results(results, found)
    return int(Exit.DONE if goals_met(found) else Exit.FOUND)


if __name__ == "__main__":
    raise SystemExit(main())
